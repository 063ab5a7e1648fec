//! Who takes part in a contest for a lock, and what must be true in the end.

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use tokio::task::JoinSet;
use zk_client::{Client, ErrorCode};

use super::contender::{Contender, connect};
use super::history::{Claim, Rules};
use super::layout::{Access, Layout};
use super::observer::Observer;
use crate::program::Program;
use crate::stage::Stage;

/// Where a contest takes place, and how often each contender is to have the lock.
#[derive(Clone, Copy)]
pub(super) struct Arena<'a> {
    pub(super) stage: &'a Stage,
    pub(super) root: &'a str,
    pub(super) layout: Layout,
    pub(super) rounds: usize,
}

/// Contenders of one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Party {
    kind: Kind,
    contenders: usize,
    sessions: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ours,
    Curator,
    Kazoo,
}

impl Party {
    pub(crate) const fn ours(contenders: usize, sessions: usize) -> Self {
        Self { kind: Kind::Ours, contenders, sessions }
    }

    pub(crate) const fn curator(contenders: usize, sessions: usize) -> Self {
        Self { kind: Kind::Curator, contenders, sessions }
    }

    /// Each with a session.
    pub(crate) const fn kazoo(contenders: usize) -> Self {
        Self { kind: Kind::Kazoo, contenders, sessions: contenders }
    }

    const fn name(self) -> &'static str {
        match self.kind {
            Kind::Ours => "ours",
            Kind::Curator => "curator",
            Kind::Kazoo => "kazoo",
        }
    }

    /// The program of somebody else that takes part for it.
    fn program(self, arena: Arena<'_>) -> Program {
        let Arena { stage, root, layout, rounds } = arena;
        let [sessions, contenders, rounds] =
            [self.sessions, self.contenders, rounds].map(|number| number.to_string());
        if self.kind == Kind::Curator {
            let arguments = [root, self.name(), layout.name(), &sessions, &contenders, &rounds];
            return stage.curator("contend", &arguments);
        }
        let arguments = [stage.address(), root, self.name(), layout.name(), &contenders, &rounds];
        stage.kazoo_with("contend.py", &arguments)
    }

    fn members(self) -> impl Iterator<Item = String> {
        (0..self.contenders).map(move |at| format!("{}-{at}", self.name()))
    }
}

/// Has all contenders take the lock as often as each other, and sees that everything about that is
/// right.
pub(crate) async fn contest(stage: &Stage, root: &str, layout: Layout, parties: &[Party]) {
    let contenders: usize = parties.iter().map(|party| party.contenders).sum();
    let rounds = handovers().div_ceil(contenders);
    let mut observer = Observer::start(stage, Rules::new(root, layout)).await;
    let mut work = Work::prepare(Arena { stage, root, layout, rounds }, parties).await;
    // A panic of either ends both.
    let (claims, ()) = tokio::join!(observer.until(rounds * contenders), work.done());

    for member in parties.iter().flat_map(|party| party.members()) {
        let of_it = claims.iter().filter(|claim| claim.who == member).count();
        assert_eq!(of_it, rounds, "claims of {member}");
    }
    assert_mixed(parties, &claims);
    let alone = claims.iter().filter(|claim| claim.access == Access::Alone).count();
    if layout.is_shared() {
        let together = observer.together();
        eprintln!("{alone} wrote; at most {together} read together");
        assert!(
            together > 1 && alone > 0 && alone < claims.len(),
            "{alone} wrote, {together} read"
        );
    }
    assert!(observer.left() > rounds / 8, "only {} left the queue", observer.left());
    assert_left_clean(&observer.client, root).await;
    observer.client.close().await.unwrap();
}

/// How many claims a case makes at least.
fn handovers() -> usize {
    env::var("ZK_TEST_HANDOVERS").map_or(HANDOVERS, |count| count.parse().unwrap())
}

/// For a whole case, however long that is.
pub(crate) fn limit() -> Duration {
    Duration::from_secs(120 + handovers() as u64 / 50)
}

/// What works on the lock.
struct Work {
    /// Each with the number of its contenders.
    programs: Vec<(Program, usize)>,
    tasks: Vec<Contender>,
    clients: Vec<Client>,
}

impl Work {
    async fn prepare(arena: Arena<'_>, parties: &[Party]) -> Self {
        let mut work = Self { programs: Vec::new(), tasks: Vec::new(), clients: Vec::new() };
        for party in parties {
            match party.kind {
                Kind::Ours => work.add_ours(arena, *party).await,
                Kind::Curator | Kind::Kazoo => {
                    work.programs.push((party.program(arena), party.contenders));
                }
            }
        }
        for (program, _) in &mut work.programs {
            program.expect_line("ready").await;
        }
        work
    }

    async fn add_ours(&mut self, arena: Arena<'_>, party: Party) {
        let first = self.clients.len();
        for _ in 0..party.sessions {
            self.clients.push(connect(arena.stage).await);
        }
        for (at, who) in party.members().enumerate() {
            let client = &self.clients[first + at % party.sessions];
            self.tasks.push(Contender::new(client, arena, who));
        }
    }

    /// Begins, and waits until all have had their turns. Who begins when is left to chance, so that the
    /// parties stand in the queue mixed; that order then stays.
    async fn done(&mut self) {
        let mut turns: Vec<_> = (0..self.tasks.len()).map(|_| None).collect();
        for (at, (_, contenders)) in self.programs.iter().enumerate() {
            turns.extend((0..*contenders).map(|_| Some(at)));
        }
        fastrand::shuffle(&mut turns);
        let mut tasks = JoinSet::new();
        for turn in turns {
            match turn {
                None => drop(tasks.spawn(self.tasks.pop().unwrap().work())),
                Some(at) => self.programs[at].0.say("go").await,
            }
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
        for (program, _) in &mut self.programs {
            program.expect_line("done").await;
            program.expect_rest(&[]).await;
        }
        for client in &self.clients {
            client.close().await.unwrap();
        }
    }
}

/// Contenders that stood in different queues, or took their turns party by party, would pass all else.
fn assert_mixed(parties: &[Party], claims: &[Claim]) {
    let mut handed = BTreeMap::new();
    for pair in claims.windows(2) {
        let [from, to] = [&pair[0], &pair[1]].map(|claim| party_of(&claim.who));
        *handed.entry((from, to)).or_insert(0) += 1;
    }
    eprintln!("{} claims; handed on: {handed:?}", claims.len());
    for party in parties {
        let foreign = handed.iter().filter(|((from, to), _)| *from == party.name() && from != to);
        let count: usize = foreign.map(|(_, count)| count).sum();
        // Even side by side in the queue, the last of them hands on to somebody else in each round.
        let rounds = claims.len() / parties.iter().map(|party| party.contenders).sum::<usize>();
        assert!(count >= rounds / 2, "{} handed on {count} times: {handed:?}", party.name());
    }
}

fn party_of(who: &str) -> &str {
    who.split('-').next().unwrap_or(who)
}

async fn assert_left_clean(client: &Client, root: &str) {
    match client.children(&format!("{root}/lock")).await {
        Ok(left) => assert!(left.is_empty(), "left in the queue: {left:?}"),
        // A container that is empty goes by itself.
        Err(error) => assert_eq!(error.code(), Some(ErrorCode::NoNode), "{error}"),
    }
    assert_eq!(client.exists(&format!("{root}/held")).await.unwrap(), None);
    assert!(client.children(&format!("{root}/sharing")).await.unwrap().is_empty());
}

const HANDOVERS: usize = 2000;

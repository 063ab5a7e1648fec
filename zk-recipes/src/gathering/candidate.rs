//! Waiting for one's round.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use zk_client::path::join;
use zk_client::{Client, ErrorCode, Reply, SessionState, Stat, Version, Watch, WatchedReply};

use super::Gathering;
use super::look::{Changed, Look, changed, recover};
use super::rounds::{Phase, RoundMember, Rounds};
use crate::contender::own_node::OwnNode;
use crate::error::RecipeError;
use crate::held::{Held, LostReason, OwnWatch, SuspendPolicy};

/// A member that waits for its round. Dropping it takes its node away in the background, so that no
/// round opens with it any more; one that has opened with it already sees it go.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(super) gathering: Gathering,
    pub(super) client: Client,
    pub(super) node: OwnNode,
    /// Marked as seen before the last look was sent.
    pub(super) state: watch::Receiver<SessionState>,
    pub(super) own: Option<Watch>,
    /// On the node that tells the round.
    changed: Option<Watch>,
    /// On the member of an open round that is usually the last one to go.
    last_to_go: Option<(String, Watch)>,
    /// What was listed when the node was made, until it was looked at.
    listed: Option<Vec<String>>,
    /// What was seen last, if nothing was done about it: its watches tell what comes then.
    seen: Option<Look>,
    /// Whether the server may lag behind what is known.
    pub(super) in_doubt: bool,
}

/// A round that has opened, as one of its members was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) number: u64,
    pub(crate) members: Vec<RoundMember>,
    /// Of this member in the list, from 0.
    pub(crate) place: usize,
}

impl Candidate {
    /// Lines up for the next round: for that of the session that `client` has now.
    ///
    /// # Cancel safety
    /// A dropped future leaves no node.
    pub(crate) async fn join(
        gathering: &Gathering,
        client: &Client,
        payload: Bytes,
    ) -> Result<Self, RecipeError> {
        let client = client.bound_to_session();
        let state = client.state();
        let mut spec = gathering.spec.clone();
        spec.data = payload;
        let (node, children) = OwnNode::enter(&client, &spec).await?;
        tracing::debug!(node = node.name(), "joined");
        let listed = Some(gathering.members(&children));
        Ok(Self {
            gathering: gathering.clone(),
            client,
            node,
            state,
            own: None,
            changed: None,
            last_to_go: None,
            listed,
            seen: None,
            in_doubt: false,
        })
    }

    pub(crate) fn path(&self) -> &str {
        self.node.path()
    }

    /// Waits until a round has opened with this member, and opens it when there are enough. There is
    /// no deadline: the others may never come.
    ///
    /// # Cancel safety
    /// Nothing is lost: it can be waited for again.
    pub(crate) async fn opened(&mut self) -> Result<Round, RecipeError> {
        loop {
            match self.step().await {
                Ok(Some(round)) => return Ok(round),
                Ok(None) => {}
                Err(error) => self.recover(error).await?,
            }
        }
    }

    /// The same until a deadline. When it has passed the member is withdrawn, unless its round has
    /// opened just now; what cannot be settled within a second is left to whoever drops this.
    pub(crate) async fn opened_until(&mut self, deadline: Instant) -> Result<Round, RecipeError> {
        if let Ok(opened) = timeout_at(deadline, self.opened()).await {
            return opened;
        }
        match timeout(WITHDRAWAL, self.withdraw()).await {
            Ok(Ok(Some(round))) => Ok(round),
            Ok(Ok(None)) | Err(_) => Err(RecipeError::Timeout),
            Ok(Err(error)) => Err(error),
        }
    }

    /// Gives the place up, unless a round has opened with it: the node that tells the round
    /// decides.
    pub(crate) async fn withdraw(&mut self) -> Result<Option<Round>, RecipeError> {
        loop {
            match self.try_withdraw().await {
                Ok(Some(withdrawn)) => return Ok(withdrawn),
                Ok(None) => self.in_doubt = true,
                Err(error) => self.recover(error).await?,
            }
        }
    }

    async fn try_withdraw(&mut self) -> Result<Option<Option<Round>>, RecipeError> {
        let look = self.look().await?;
        if let Some(round) = round_of(&look.rounds, self.node.name()) {
            return Ok(Some(Some(round)));
        }
        let check = self.client.multi().check(self.gathering.path(), look.version);
        let outcome = check.delete(self.node.path(), Version::ANY).commit().await;
        if changed(outcome)? == Changed::Not {
            return Ok(None);
        }
        tracing::debug!(node = self.node.name(), "withdrawn");
        self.node.forget();
        Ok(Some(None))
    }

    /// What the member has in its hands now that it was let in.
    pub(crate) fn into_held(self, policy: SuspendPolicy) -> Held {
        let own = self.own.map_or(OwnWatch::None, OwnWatch::Set);
        Held::watching(self.client, self.node, self.state, policy, own)
    }

    /// Opens a round if there are enough members, and does not wait.
    ///
    /// # Cancel safety
    /// As [`opened`](Self::opened).
    pub(crate) async fn open_if_enough(&mut self) -> Result<(), RecipeError> {
        loop {
            match self.try_open().await {
                Ok(Some(look)) => {
                    self.seen = Some(look);
                    return Ok(());
                }
                Ok(None) => {}
                Err(error) => self.recover(error).await?,
            }
        }
    }

    async fn step(&mut self) -> Result<Option<Round>, RecipeError> {
        let look = match self.seen.take() {
            Some(look) => look,
            None => match self.try_open().await? {
                Some(look) => look,
                None => return Ok(None),
            },
        };
        if let Some(round) = round_of(&look.rounds, self.node.name()) {
            // What a server told before a disconnection may be old.
            return Ok(if self.state.has_changed().unwrap_or(true) { None } else { Some(round) });
        }
        self.wait(&look.rounds, &look.present).await?;
        Ok(None)
    }

    /// Looks, and does what is to be done. What was seen if there was nothing to do.
    async fn try_open(&mut self) -> Result<Option<Look>, RecipeError> {
        let look = self.look().await?;
        let Some(next) = look.rounds.next(&look.present) else { return Ok(Some(look)) };
        let changed = self.gathering.advance(&self.client, &look, &next, None).await?;
        // Whoever was to be let in has to be seen as such, or seen to have gone.
        self.in_doubt = changed == Changed::Not;
        Ok(None)
    }

    /// Looks, and sets the watches that are not set. After a reconnect the server is asked to catch up
    /// first.
    async fn look(&mut self) -> Result<Look, RecipeError> {
        self.client.connected().await?;
        let behind = self.in_doubt | self.state.has_changed().unwrap_or(true);
        self.state.mark_unchanged();
        // Until this look is over, also if it is dropped.
        self.in_doubt = behind;
        let path = self.gathering.path().to_owned();
        let synced = behind.then(|| self.client.sync(&path).send());
        let own = self.ask_for_own();
        let told = match self.changed {
            None => Told::Watched(self.client.get(&path).watch().send()),
            Some(_) => Told::Read(self.client.get(&path).send()),
        };
        let listed = self.listed.take().filter(|_| !behind);
        let asked = listed.is_none().then(|| self.client.children(&path).send());
        if let Some(synced) = synced {
            synced.await?;
        }
        self.keep_own(own).await?;
        let (data, stat) = match told {
            Told::Read(read) => read.await?,
            Told::Watched(watched) => {
                let (told, watch) = watched.await?;
                self.changed = Some(watch);
                told
            }
        };
        let rounds = Rounds::read(&path, &data, self.gathering.parties)?;
        let present = match (listed, asked) {
            (Some(listed), _) if rounds.phase == Phase::Gathering => listed,
            (_, Some(asked)) => self.gathering.members(&asked.await?),
            // Those who are in this round may not have been there yet when that was listed.
            (_, None) => self.gathering.members(&self.client.children(&path).await?),
        };
        self.in_doubt = false;
        if !present.iter().any(|name| name == self.node.name()) {
            return Err(LOST);
        }
        Ok(Look { rounds, version: stat.version, present })
    }

    /// Sets the watch on the own node, if it is not set.
    pub(super) async fn watch_own(&mut self) -> Result<(), RecipeError> {
        let asked = self.ask_for_own();
        self.keep_own(asked).await
    }

    fn ask_for_own(&self) -> Option<WatchedReply<Option<Stat>>> {
        self.own.is_none().then(|| self.client.exists(self.node.path()).watch().send())
    }

    async fn keep_own(
        &mut self,
        asked: Option<WatchedReply<Option<Stat>>>,
    ) -> Result<(), RecipeError> {
        let Some(asked) = asked else { return Ok(()) };
        match asked.await {
            Ok((Some(_), watch)) => self.own = Some(watch),
            Ok((None, _)) => return Err(LOST),
            // Whoever may not read its own node waits without a watch on it.
            Err(error) if error.code() == Some(ErrorCode::NoAuth) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Waits until something may have changed.
    async fn wait(&mut self, rounds: &Rounds, present: &[String]) -> Result<(), RecipeError> {
        let last_to_go = match &rounds.phase {
            Phase::Open(open) => open.last_to_go(present, self.gathering.last_to_go),
            Phase::Gathering => None,
        };
        if self.watch_last_to_go(last_to_go).await? {
            return Ok(());
        }
        tracing::debug!(node = self.node.name(), round = rounds.round, "waiting");
        let last_to_go = self.last_to_go.as_mut().map(|(_, watch)| watch);
        tokio::select! {
            biased;
            // Its data was set, or it is gone: the next look tells.
            event = fired(self.own.as_mut()) => { self.own = None; event }
            event = fired(self.changed.as_mut()) => { self.changed = None; event }
            event = fired(last_to_go) => { self.last_to_go = None; event }
        }
    }

    /// Watches this one and nobody else. Tells whether it is gone already.
    async fn watch_last_to_go(&mut self, name: Option<&str>) -> Result<bool, RecipeError> {
        if self.last_to_go.as_ref().map(|(name, _)| name.as_str()) == name {
            return Ok(false);
        }
        self.last_to_go = None;
        let Some(name) = name else { return Ok(false) };
        let (stat, watch) = self.client.exists(&join(self.gathering.path(), name)).watch().await?;
        if stat.is_some() {
            self.last_to_go = Some((name.to_owned(), watch));
        }
        Ok(stat.is_none())
    }

    pub(super) async fn recover(&mut self, error: RecipeError) -> Result<(), RecipeError> {
        self.in_doubt = true;
        recover(&self.client, error).await.map_err(|error| match &error {
            // Without the parent there is no node of ours.
            RecipeError::Client(cause) if cause.code() == Some(ErrorCode::NoNode) => LOST,
            _ => error,
        })
    }
}

/// What the node that tells the round was asked for.
enum Told {
    Read(Reply<(Bytes, Stat)>),
    Watched(WatchedReply<(Bytes, Stat)>),
}

/// The round that has opened with this member.
fn round_of(rounds: &Rounds, name: &str) -> Option<Round> {
    let (open, place) = rounds.round_of(name)?;
    Some(Round { number: rounds.round, members: open.members.clone(), place })
}

/// Resolves when a watch has fired; never where there is none.
pub(crate) async fn fired(watch: Option<&mut Watch>) -> Result<(), RecipeError> {
    match watch {
        Some(watch) => Ok(watch.await.map(|_| ())?),
        None => pending().await,
    }
}

pub(super) const LOST: RecipeError = RecipeError::Lost(LostReason::NodeDeleted);
/// How long after its deadline a call may take to find out whether the round has opened.
const WITHDRAWAL: Duration = Duration::from_secs(1);

//! Our own contenders.

use std::ops::Deref;
use std::time::Duration;

use zk_client::path::name;
use zk_client::{Acl, Client, CreateMode, Error, Version};
use zk_recipes::{Held, Lock, LockGuard, Ownership, ReadGuard, Released, RwLock, WriteGuard};
use zk_test_kit::drop_after_polls;

use super::contest::Arena;
use super::layout::{Access, Layout};
use crate::stage::Stage;

/// One that takes the lock again and again, and claims in the tree what it believes to hold.
pub(super) struct Contender {
    client: Client,
    recipe: Recipe,
    root: String,
    who: String,
    rounds: usize,
}

enum Recipe {
    Lock(Lock),
    ReadWrite(RwLock),
}

enum Guard {
    Lock(LockGuard),
    Read(ReadGuard),
    Write(WriteGuard),
}

impl Contender {
    pub(super) fn new(client: &Client, arena: Arena<'_>, who: String) -> Self {
        let Arena { root, layout, rounds, .. } = arena;
        let path = format!("{root}/lock");
        let recipe = match layout {
            Layout::CuratorLock | Layout::KazooLock => {
                Recipe::Lock(Lock::new(client, &path).unwrap().dialect(layout.dialect()))
            }
            Layout::CuratorReadWrite | Layout::KazooReadWrite => {
                Recipe::ReadWrite(RwLock::new(client, &path).unwrap().dialect(layout.dialect()))
            }
        };
        Self { client: client.clone(), recipe, root: root.to_owned(), who, rounds }
    }

    pub(super) async fn work(self) {
        for round in 1..=self.rounds {
            let guard = self.recipe.acquire(round % IMPATIENT == 0).await;
            let access = guard.access();
            let node = guard.path();
            let token = guard.token().get();
            let stat = self.client.exists(&node).await.unwrap().unwrap();
            assert_eq!(token, stat.czxid.0.cast_unsigned(), "{}", self.who);
            let holder = (name(&node), token);
            let claimed = claim(&self.client, &self.root, &self.who, access, holder).await;
            assert!(claimed.is_ok(), "two hold at once: {} with {node}: {claimed:?}", self.who);
            take_back(&self.client, &self.root, &self.who, access).await;
            assert_eq!(guard.ownership(), Ownership::Held, "{}", self.who);
            assert_eq!(guard.release().await, Released::Now, "{}", self.who);
        }
    }
}

impl Recipe {
    /// One who is impatient first leaves the queue again if it is not its turn at once: others lose whom
    /// they wait for.
    async fn acquire(&self, is_impatient: bool) -> Guard {
        match self {
            Self::Lock(lock) => {
                if is_impatient {
                    let waiting = lock.enqueue().await.unwrap();
                    if waiting.ahead().is_none() {
                        return Guard::Lock(waiting.acquire().await.unwrap());
                    }
                }
                Guard::Lock(lock.acquire().await.unwrap())
            }
            Self::ReadWrite(lock) if fastrand::usize(..WRITES) > 0 => {
                let early =
                    if is_impatient { drop_after_polls(lock.read(), POLLS).await } else { None };
                match early {
                    Some(guard) => Guard::Read(guard.unwrap()),
                    None => Guard::Read(lock.read().await.unwrap()),
                }
            }
            Self::ReadWrite(lock) => {
                let early =
                    if is_impatient { drop_after_polls(lock.write(), POLLS).await } else { None };
                match early {
                    Some(guard) => Guard::Write(guard.unwrap()),
                    None => Guard::Write(lock.write().await.unwrap()),
                }
            }
        }
    }
}

impl Guard {
    const fn access(&self) -> Access {
        match self {
            Self::Lock(_) | Self::Write(_) => Access::Alone,
            Self::Read(_) => Access::Shared,
        }
    }

    async fn release(self) -> Released {
        match self {
            Self::Lock(guard) => guard.release().await.unwrap(),
            Self::Read(guard) => guard.release().await.unwrap(),
            Self::Write(guard) => guard.release().await.unwrap(),
        }
    }
}

impl Deref for Guard {
    type Target = Held;

    fn deref(&self) -> &Held {
        match self {
            Self::Lock(guard) => guard,
            Self::Read(guard) => guard,
            Self::Write(guard) => guard,
        }
    }
}

/// A client with a session that no pause of this machine ends, where the server allows.
pub(super) async fn connect(stage: &Stage) -> Client {
    let builder = Client::builder(stage.address()).session_timeout(Duration::from_secs(60));
    builder.connect().await.unwrap()
}

/// Says that the owner of this contender node, with this token, believes to hold the lock. Fails if
/// somebody else believes to be the only one, too.
pub(super) async fn claim(
    client: &Client,
    root: &str,
    who: &str,
    access: Access,
    (node, token): (&str, u64),
) -> Result<(), Error> {
    let mark = mark(root, who, access);
    let entry = format!("{root}/ledger/{who},{node},{token:x},");
    let multi = client.multi().create_with(&mark, "", CreateMode::Ephemeral, Acl::open());
    multi
        .create_with(&entry, "", CreateMode::PersistentSequential, Acl::open())
        .commit()
        .await
        .map(drop)
}

pub(super) async fn take_back(client: &Client, root: &str, who: &str, access: Access) {
    client.delete(&mark(root, who, access)).version(Version::ANY).await.unwrap();
}

fn mark(root: &str, who: &str, access: Access) -> String {
    match access {
        Access::Alone => format!("{root}/held"),
        Access::Shared => format!("{root}/sharing/{who}"),
    }
}

/// Every so many rounds.
const IMPATIENT: usize = 4;
/// One of so many writes, if others can read.
const WRITES: usize = 4;
/// About when the place in the queue is known.
const POLLS: usize = 3;

//! Two harnesses for whatever talks to a server, a call of the client or a recipe: they break it at
//! every place where it can break, one place a run, and ask afterwards whether it was true to what
//! it says and whether anything is left.
//!
//! [`at_every_request`] cuts the connection around each request; [`at_every_poll`] drops the future
//! after each number of polls. Each run has a server and clients of its own on a runtime of its own,
//! in virtual time: hundreds of runs take a second. So there is nothing here for other servers than
//! the embedded one; those can be met by `ZK_TEST_SERVER` in the cases, which cut at requests, too.
//!
//! A run that fails prints what was broken, and `ZK_TEST_SEED=…`, which repeats the jitter of
//! clients. What tokio itself draws by lot (the order of `select!`) is not in it.

mod dropping;
mod leftovers;
mod polls;
mod requests;
mod world;

use std::env;
use std::fmt;
use std::thread;

use zk_client::{Client, Error, ExpiryPolicy};

use crate::network::Moment;

pub use dropping::drop_after_polls;
pub use polls::{at_every_poll, at_every_poll_and_request};
pub use requests::{at_every_request, at_every_two_requests};

/// A break of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// At which request, counted from 0 since the scenario began or since the fault before.
    pub request: usize,
    /// When with regard to it.
    pub moment: Moment,
    /// To what the client comes back.
    pub comeback: Comeback,
}

/// To what a client comes back after its connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comeback {
    /// The same server, with the same session.
    SameServer,
    /// The same server, which has ended the session meanwhile; the client ends, too.
    Expired,
    /// The same, and the client goes on with a new session.
    Renewed,
    /// Another server, which has taken nothing but what the client has seen. It takes more when it is
    /// asked for `sync` or a write, or after a while.
    LaggingServer,
    /// Another server, which has taken nothing since the scenario began, and hangs up on a client
    /// that has seen something since. It takes everything after a while.
    BehindServer,
}

impl Comeback {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::SameServer, Self::Expired, Self::Renewed, Self::LaggingServer, Self::BehindServer];

    /// Whether the session that the client had is over.
    #[must_use]
    pub const fn is_end_of_session(self) -> bool {
        matches!(self, Self::Expired | Self::Renewed)
    }

    const fn expiry_policy(self) -> ExpiryPolicy {
        match self {
            Self::Renewed => ExpiryPolicy::NewSession,
            Self::SameServer | Self::Expired | Self::LaggingServer | Self::BehindServer => {
                ExpiryPolicy::Fail
            }
        }
    }
}

/// What a check is told of the run that has just ended.
pub struct Run {
    /// What has broken, in this order: what was to break and did not is left out.
    pub faults: Vec<Fault>,
    /// After how many polls the scenario was dropped, if it was to be.
    pub polls: Option<usize>,
    /// The client of the scenario, which may have no session any more.
    pub client: Client,
    /// A client of the leader, whose connection never breaks.
    pub observer: Client,
}

impl Run {
    /// Whether the session with which the scenario began is over.
    #[must_use]
    pub fn is_session_over(&self) -> bool {
        self.faults.iter().any(|fault| fault.comeback.is_end_of_session())
    }

    /// Asserts that an error, if there is one, is true to what happened: whether the write `was_done`
    /// can be seen in the tree. Without a fault it has to succeed.
    pub fn assert_true<T: fmt::Debug>(&self, outcome: &Result<T, Error>, was_done: bool) {
        match outcome {
            Ok(_) => assert!(was_done, "{outcome:?}, and it was not done"),
            Err(error) => {
                assert!(!self.faults.is_empty(), "{error:?} without a fault");
                assert!(
                    error.outcome_unknown() || !was_done,
                    "{error:?}, and it was done all the same"
                );
                assert!(!(error.is_retriable() && error.outcome_unknown()), "{error:?}");
            }
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("faults", &self.faults)
            .field("polls", &self.polls)
            .finish_non_exhaustive()
    }
}

/// How much a harness has done, so that a test can say what it expects of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// How often the scenario was run.
    pub runs: usize,
    /// How many requests it took when nothing was broken: its own, and those in the background.
    pub requests: usize,
    /// After how many polls it was done.
    pub polls: usize,
}

/// Tells, when a run fails, which one it was.
struct Teller<'a> {
    seed: u64,
    plan: &'a dyn fmt::Debug,
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("ZK_TEST_SEED={} failed with {:?}", self.seed, self.plan);
        }
    }
}

fn seed() -> u64 {
    env::var("ZK_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

//! How long a session can be trusted to be alive, as its user sees it.

use std::time::Duration;

use tokio::time::Instant;

use crate::session::ProvenLife;

/// How long a session is known to live, told without asking anybody. Comes from
/// [`Client::lease`](crate::Client::lease).
///
/// Before [`safe_until`](Self::safe_until) the ensemble does not end the session, whatever happens
/// to the network and to its servers, so that its ephemeral nodes are there, unless somebody has
/// deleted them. After it the session may still be alive, and often is; nothing says so.
///
/// It counts only what the *leader* has seen. A ping or a read is answered by the one server that
/// the client is connected to, which may have been cut off from the others; and even a write that
/// was carried out does not tell the leader that the session is to live longer from now on. What
/// does is said in `docs/leases.md`: a sign of life of the session, and behind it, far enough for
/// the server to have passed it on, a write that was carried out.
///
/// # What it rests on
/// - The clocks of this machine and of the leader run alike to within a tenth.
/// - A server passes on the signs of life of its sessions within
///   [`server_tick`](crate::ClientBuilder::server_tick) while it passes on writes, as ZooKeeper's
///   do every half tick.
/// - All servers have the same limits for session timeouts, and nobody else takes the session up
///   with a shorter one.
/// - The session is one of the ensemble, not one of a single server (`localSessionsEnabled`); one
///   that has created an ephemeral node is.
/// - Time that this process does not see does not count: a machine that was suspended has a clock
///   that stood still. And between a look at the lease and what is done because of it, time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    life: Option<ProvenLife>,
}

impl Lease {
    pub(crate) const fn new(life: Option<ProvenLife>) -> Self {
        Self { life }
    }

    /// A time at which, or after which, the leader was certain that the session is alive: the
    /// lease counts from then. `None` when there is no session, or nothing proves that it lives.
    #[must_use]
    pub fn proven_at(&self) -> Option<Instant> {
        self.life.map(|life| life.proven_at.into())
    }

    /// Until when the session is certain to live: [`proven_at`](Self::proven_at), and nine tenths
    /// of the session timeout behind it.
    #[must_use]
    pub fn safe_until(&self) -> Option<Instant> {
        self.life.map(|life| life.safe_until.into())
    }

    /// Whether the session is certain to live at that time.
    #[must_use]
    pub fn is_safe(&self, now: Instant) -> bool {
        self.safe_until().is_some_and(|until| now < until)
    }

    /// How much longer the session is certain to live; zero when it is not.
    #[must_use]
    pub fn remaining(&self, now: Instant) -> Duration {
        self.safe_until().map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

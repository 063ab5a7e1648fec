//! The lease of a session: looking at it, waiting for its end, and moving that.

use tokio::time::{Instant, sleep_until};
use zk_proto::message::{ErrorResponse, MultiResponse, MultiResult};
use zk_proto::{ErrorCode, OpCode};

use super::Client;
use crate::error::Error;
use crate::lease::Lease;
use crate::reply::ReadReply;
use crate::session::proof;

impl Client {
    /// How long the session is known to live. Asks nobody, and takes no time.
    ///
    /// Whoever holds something by an ephemeral node may go on without a connection until
    /// [`Lease::safe_until`], and must stop then. Writes move it forward, and
    /// [`prove_session`](Self::prove_session) and
    /// [`keep_lease`](crate::ClientBuilder::keep_lease) do.
    #[must_use]
    pub fn lease(&self) -> Lease {
        let bound = self.bound;
        Lease::new(self.handle.shared.with_session(|session| {
            // The lease of another session than the one a handle is for says nothing about that.
            session.check_bound(bound).ok().and_then(|()| session.proven_life())
        }))
    }

    /// Waits until the session is not certain to be alive any more: its [`lease`](Self::lease) has
    /// run out, or it is over, even if there is a new one. At once, if that is so already.
    ///
    /// There is no deadline: a lease that is kept never runs out.
    ///
    /// # Cancel safety
    /// Dropping it forgets nothing.
    pub async fn lease_lost(&self) {
        let mut state = self.state();
        let generation = self.generation();
        loop {
            // What is changed behind this is noticed below.
            state.mark_unchanged();
            let lease = self.lease();
            let safe = lease.is_safe(Instant::now()) && self.generation() == generation;
            let Some(until) = lease.safe_until().filter(|_| safe) else {
                return;
            };
            // A lease that was moved forward is looked at when it would have run out.
            tokio::select! {
                () = sleep_until(until) => {}
                changed = state.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Has the ensemble prove that the session is alive: a write that changes nothing. Gives back
    /// the lease as it is then.
    ///
    /// The reply is a proof of the present, and for the lease of a little earlier: of the last sign
    /// of life before this, a ping or any other request, that the server was certain to have passed
    /// on. Two of these, [`server_tick`](crate::ClientBuilder::server_tick) apart, move the lease to
    /// the first one.
    ///
    /// It need not be allowed to read anything: a proof that the ensemble refuses is one.
    ///
    /// # Errors
    /// Those of every operation. [`Error::outcome_unknown`] says nothing about the session.
    ///
    /// # Cancel safety
    /// Dropping the future does not take the request back, and the reply counts all the same.
    pub async fn prove_session(&self) -> Result<Lease, Error> {
        let about = self.about(OpCode::Multi, "/");
        self.submit(Ok(proof()), about, READ_PROOF).await?;
        Ok(self.lease())
    }
}

/// Refused because the session is not there, it is no proof; refused for any other reason it is.
const READ_PROOF: ReadReply<()> = |about, answer| {
    let MultiResponse { results } = about.decode(answer)?;
    let refused = results.iter().find_map(|result| match result {
        MultiResult::Error(ErrorResponse {
            err: err @ (ErrorCode::SessionExpired | ErrorCode::SessionMoved),
        }) => Some(*err),
        _ => None,
    });
    refused.map_or(Ok(()), |code| Err(about.refused(code)))
};

//! Handles to the same session that see less of it.

use zk_proto::ZPath;

use super::Client;
use crate::error::Error;
use crate::state::Generation;

impl Client {
    /// A handle to the same session whose paths start deeper: what it calls `/a` is
    /// `<path>/a` of this one. Cheap, as a clone. Nothing is sent: the node need not exist yet.
    ///
    /// It comes on top of a chroot that this handle has, from the connect string or from this
    /// function. Watches tell paths as the handle that they were set with names them.
    ///
    /// ```no_run
    /// # async fn run(client: zk_client::Client) -> Result<(), zk_client::Error> {
    /// let jobs = client.chroot("/app/jobs")?;
    /// jobs.create("/7", "data").with_parents().await?; // as others see it: /app/jobs/7
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::BadPath`] when the path breaks a rule.
    #[doc(alias = "usingNamespace")]
    pub fn chroot(&self, path: &str) -> Result<Self, Error> {
        let root = self.chroot.outward(path)?;
        let bad = |reason| Error::BadPath { path: path.to_owned(), reason };
        let chroot = crate::chroot::Chroot::new(ZPath::parse(&*root).map_err(bad)?);
        Ok(Self { chroot, ..self.clone() })
    }

    /// A handle to just the present session: once that has expired, whatever is asked through it
    /// fails with [`Error::SessionExpired`] and is not sent, even when there is a new session by
    /// then ([`ExpiryPolicy::NewSession`](crate::ExpiryPolicy::NewSession)). Watches and streams
    /// that were made through it end so, too. Cheap, as a clone.
    ///
    /// It is for what must not outlive its session: a lock is held as long as the ephemeral node
    /// of one session lives, and what is written under it must not be written by the next one.
    #[must_use]
    pub fn bound_to_session(&self) -> Self {
        // One that is bound already stays bound to the session that it is bound to.
        let bound = Some(self.bound.unwrap_or_else(|| self.generation()));
        Self { bound, ..self.clone() }
    }

    /// Which of the sessions that this client has had the present one is, from 1. It grows as soon
    /// as a session is known to have expired, before there is a new one. That of a handle that
    /// [is bound](Self::bound_to_session) stays.
    #[must_use]
    pub fn generation(&self) -> Generation {
        let present = || self.handle.shared.with_session(|session| session.generation());
        self.bound.unwrap_or_else(present)
    }

    /// Refuses what a handle is bound to when that is over.
    pub(super) fn check_bound(&self) -> Result<(), Error> {
        let bound = self.bound;
        Ok(self.handle.shared.with_session(|session| session.check_bound(bound))?)
    }

    /// Whether a refusal that calls the session over is the last word: the client has ended, or
    /// this handle is bound to a session that has.
    pub(super) fn is_over(&self) -> bool {
        let bound = self.bound;
        self.handle.shared.with_session(|session| {
            session.ended().is_some() || session.check_bound(bound).is_err()
        })
    }
}

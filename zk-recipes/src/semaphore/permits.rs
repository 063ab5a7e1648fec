use std::future::Future;
use std::iter::once;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;
use zk_client::{Client, Version};

use super::Semaphore;
use super::leases::delete_all;
use super::ownership::Together;
use crate::error::{RecipeError, ReleaseError};
use crate::held::{FencedMulti, FencingToken, Held, LostReason, Ownership, Released};

/// Proof that permits are held, until it says otherwise: each by a lease of its own. They are lost
/// together when one of the leases is.
///
/// Dropping it releases them in the background; [`release`](Self::release) also tells how that
/// went. It keeps the session open.
#[must_use = "dropping it releases the permits"]
#[derive(Debug)]
pub struct Permits {
    /// Before the leases, which say `Released` when they are dropped.
    together: Together,
    first: Held,
    more: Vec<Held>,
    /// The path of the semaphore.
    semaphore: String,
    /// The parent of the leases.
    leases: String,
}

impl Permits {
    /// `None` without a lease.
    pub(super) fn new(semaphore: &Semaphore, leases: Vec<Held>) -> Option<Self> {
        Self::of(Handle::current(), leases, (semaphore.path.clone(), semaphore.leases.clone()))
    }

    fn of(runtime: Handle, held: Vec<Held>, (semaphore, leases): (String, String)) -> Option<Self> {
        let together = Together::new(runtime, held.iter().map(Held::watch).collect());
        let mut held = held.into_iter();
        let first = held.next()?;
        Some(Self { together, first, more: held.collect(), semaphore, leases })
    }

    /// How many permits they are.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(1 + self.more.len()).unwrap_or(u32::MAX)
    }

    /// The transaction that has created the leases; of permits that were [merged](Self::merge), the
    /// lowest. Those that are acquired later have a higher one. As others hold permits at the same
    /// time, a resource cannot refuse the lower of two tokens; it can refuse all that are older than
    /// something it knows of.
    #[must_use]
    pub fn token(&self) -> FencingToken {
        self.more.iter().fold(self.first.token(), |lowest, lease| lowest.min(lease.token()))
    }

    /// The paths of the leases.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.each().map(Held::path).collect()
    }

    /// A handle that is bound to the session that holds them.
    #[must_use]
    pub const fn client(&self) -> &Client {
        self.first.client()
    }

    /// Whether all of them are held, as far as is known here. Asks nobody.
    #[must_use]
    pub fn ownership(&self) -> Ownership {
        for lease in self.each() {
            // What it says is passed on by a task, which may come later.
            if let Ownership::Lost(reason) = lease.ownership() {
                self.together.lose(reason);
            }
        }
        self.together.ownership()
    }

    /// Whether all are held now, without any doubt of this process; see [`Held::is_valid`].
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let now = Instant::now();
        let is_lost = matches!(self.ownership(), Ownership::Lost(_));
        !is_lost && self.each().all(|lease| lease.ownership().is_valid(now))
    }

    /// Every change of [`ownership`](Self::ownership).
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Ownership> {
        self.together.subscribe()
    }

    /// Resolves when one of them is lost, and tells why; also after they were released. What is
    /// [split](Self::split) off later does not count any more, what is merged later does. There is no
    /// deadline.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub fn lost(&self) -> impl Future<Output = LostReason> + Send + 'static + use<> {
        self.together.lost()
    }

    /// Does some work, and drops it when one of them is lost; see [`Held::run`].
    ///
    /// # Errors
    /// Why it was lost.
    ///
    /// # Cancel safety
    /// Dropping the future drops the work.
    pub async fn run<F: Future>(&self, work: F) -> Result<F::Output, LostReason> {
        tokio::select! {
            biased;
            reason = self.lost() => Err(reason),
            output = work => Ok(output),
        }
    }

    /// Asks a quorum of the ensemble whether all are held; see [`Held::verify`].
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when a lease is gone or the session over, and the client's, after which
    /// nothing is known.
    ///
    /// # Cancel safety
    /// Nothing is changed.
    pub async fn verify(&self) -> Result<(), RecipeError> {
        self.multi().commit().await.map(|_| ())
    }

    /// Writes that are done only if all leases are there, all or none; see [`Held::multi`].
    pub fn multi(&self) -> FencedMulti<'_> {
        let multi = self.client().multi();
        let checks =
            self.each().fold(multi, |multi, lease| multi.check(&lease.path(), Version::ANY));
        FencedMulti::new(&self.first, checks, 1 + self.more.len())
    }

    /// Takes some of the permits away from these, to be held and released by themselves. `None`, and
    /// nothing is changed, for none and for all of them or more.
    ///
    /// Nothing is sent. Each part knows of the loss of its own leases; what is lost already stays so.
    #[must_use = "dropping it releases what was split off"]
    pub fn split(&mut self, count: u32) -> Option<Self> {
        let count = usize::try_from(count).ok().filter(|count| *count > 0)?;
        let rest = self.more.len().checked_sub(count)?;
        let taken = self.more.split_off(rest);
        let paths = (self.semaphore.clone(), self.leases.clone());
        let taken = Self::of(self.together.runtime(), taken, paths)?;
        self.together.follow(self.each().map(Held::watch).collect());
        Some(taken)
    }

    /// Adds permits to these, to be held and released together. Nothing is sent. Whoever waits for the
    /// loss of those is told [`LostReason::Released`].
    ///
    /// # Errors
    /// The others, when they are of another semaphore or another session.
    pub fn merge(&mut self, other: Self) -> Result<(), Box<Self>> {
        let (one, two) = (self.client(), other.client());
        let same_session =
            (one.session_id(), one.generation()) == (two.session_id(), two.generation());
        if self.semaphore != other.semaphore || !same_session {
            return Err(Box::new(other));
        }
        if let Ownership::Lost(reason) = other.ownership() {
            self.together.lose(reason);
        }
        let Self { first, more, .. } = other;
        self.more.extend(once(first).chain(more));
        self.together.follow(self.each().map(Held::watch).collect());
        Ok(())
    }

    /// Gives all of them back in one write, and waits for the server to confirm.
    ///
    /// # Errors
    /// [`ReleaseError`] with the permits in it, when there was no confirmation: they may be free or
    /// not. Release again, or drop them and let the janitor go on.
    ///
    /// # Cancel safety
    /// A dropped future releases them in the background.
    pub async fn release(mut self) -> Result<Released, ReleaseError<Self>> {
        let was_lost = matches!(self.ownership(), Ownership::Lost(_));
        self.set_giving_back(true);
        let deleted = delete_all(self.client(), &self.leases, self.paths()).await;
        let were_all_there = match deleted {
            Ok(were_all_there) => were_all_there,
            Err(error) if error.is_session_over() => false,
            Err(source) => {
                self.set_giving_back(false);
                self.together.follow(self.each().map(Held::watch).collect());
                return Err(ReleaseError { guard: self, source });
            }
        };
        let Self { first, more, .. } = self;
        for lease in once(first).chain(more) {
            lease.into_node().1.forget();
        }
        let lost = was_lost || !were_all_there;
        tracing::debug!(lost, "released");
        Ok(if lost { Released::AlreadyLost } else { Released::Now })
    }

    fn set_giving_back(&mut self, gives_back: bool) {
        self.each().for_each(|lease| lease.set_giving_back(gives_back));
        if gives_back {
            self.together.rest();
        }
    }

    fn each(&self) -> impl Iterator<Item = &Held> {
        once(&self.first).chain(&self.more)
    }
}

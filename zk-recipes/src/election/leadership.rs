use std::future::Future;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{oneshot, watch};

use super::role::TermEnd;
use super::settings::Settings;
use crate::error::RecipeError;
use crate::held::{FencingToken, Held, Ownership, Released};

/// Proof of one term of leadership, until it says otherwise. What it knows and can do is [`Held`].
///
/// Dropping it steps down in the background, and so does a panic of its holder; what becomes of the
/// candidate then is said by [`Election::rejoin`](super::Election::rejoin). Its term ends with its
/// [`Candidate`](super::Candidate).
#[must_use = "dropping it steps down"]
#[derive(Debug)]
pub struct Leadership {
    // Goes before the message that it has gone.
    term: Arc<Term>,
    settings: Arc<Settings>,
    gone: Gone,
}

/// What the holder of a leadership and the task of its candidate both look at.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) held: Held,
    pub(super) end: watch::Sender<Option<TermEnd>>,
}

/// What the holder of a leadership tells the task.
#[derive(Debug)]
pub(super) enum Parting {
    /// It wants to know how it went.
    SteppedDown(oneshot::Sender<Result<Released, RecipeError>>),
    Dropped {
        /// Whether in a panic, after which nobody knows what it has left half done.
        panicking: bool,
    },
}

#[derive(Debug)]
struct Gone(Option<oneshot::Sender<Parting>>);

/// A leadership that nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<Option<Leadership>>);

impl Leadership {
    pub(super) fn new(
        term: &Arc<Term>,
        settings: &Arc<Settings>,
    ) -> (Self, oneshot::Receiver<Parting>) {
        let (sender, gone) = oneshot::channel();
        let (term, settings) = (Arc::clone(term), Arc::clone(settings));
        (Self { term, settings, gone: Gone(Some(sender)) }, gone)
    }

    /// The number of this term: higher than that of every leader before. The
    /// [token](Held::token) by another name.
    #[must_use]
    pub fn term(&self) -> FencingToken {
        self.term.held.token()
    }

    /// Resolves when the term is to end or has ended, and tells why. There is no deadline.
    ///
    /// It may be early: a leader that is overridden, or whose candidate leaves, has the
    /// [time to finish](super::Election::grace) before it is [`lost`](Held::lost), and should drop this
    /// when it has.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub fn cancelled(&self) -> impl Future<Output = TermEnd> + Send + 'static + use<> {
        let mut end = self.term.end.subscribe();
        let lost = self.term.held.lost();
        async move {
            let ended = async {
                match end.wait_for(Option::is_some).await.map(|end| *end) {
                    Ok(Some(end)) => end,
                    Ok(None) | Err(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                end = ended => end,
                reason = lost => TermEnd::Lost(reason),
            }
        }
    }

    /// Gives up the leadership, and waits for the server to confirm.
    ///
    /// # Errors
    /// The client's, when there was no confirmation: the janitor goes on.
    ///
    /// # Cancel safety
    /// A dropped future steps down in the background.
    pub async fn step_down(self) -> Result<Released, RecipeError> {
        let (sender, done) = oneshot::channel();
        let Self { term, settings: _, mut gone } = self;
        drop(term);
        if let Some(gone) = gone.0.take() {
            let _ = gone.send(Parting::SteppedDown(sender));
        }
        // Nobody answers when the term has ended already.
        done.await.unwrap_or(Ok(Released::AlreadyLost))
    }

    /// Whether the term has neither ended nor is about to, and is not in doubt.
    pub(super) fn is_current(&self) -> bool {
        self.term.end.borrow().is_none() && self.ownership() == Ownership::Held
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl Deref for Leadership {
    type Target = Held;

    fn deref(&self) -> &Held {
        &self.term.held
    }
}

impl Drop for Gone {
    fn drop(&mut self) {
        if let Some(gone) = self.0.take() {
            let _ = gone.send(Parting::Dropped { panicking: std::thread::panicking() });
        }
    }
}

impl Slot {
    pub(super) fn offer(&self, leadership: Leadership) {
        let before = self.swap(Some(leadership));
        drop(before);
    }

    pub(super) fn clear(&self) {
        let before = self.swap(None);
        drop(before);
    }

    /// Takes the leadership, if it is one. One that is in doubt stays until that is known.
    pub(super) fn take(&self) -> Option<Leadership> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.take_if(|leadership| leadership.is_current())
    }

    fn swap(&self, next: Option<Leadership>) -> Option<Leadership> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *slot, next)
    }
}

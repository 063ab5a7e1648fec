//! The stage of a candidate that is first: from the moment that it knows, to the end of its term.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::breadcrumb::{self, NotFenced};
use super::candidates;
use super::driver::{Driver, Ended, Stage, set};
use super::follow::StandingView;
use super::leadership::{Leadership, Parting, Term};
use super::role::{Role, TermEnd};
use super::settings::Settings;
use super::standing_override::Verdict;
use crate::error::RecipeError;
use crate::held::{Held, LostReason, Ownership, Released};

#[derive(Debug)]
pub(super) struct Leading {
    term: Arc<Term>,
    /// Tells when the holder of the leadership has let go; none before there is one.
    parting: Option<oneshot::Receiver<Parting>>,
    /// Whether the holder may go on with what it was doing: it has not let go, or in a panic.
    at_large: bool,
    /// Whether the breadcrumb is ours.
    breadcrumb: bool,
    /// Who waits to be told that it was given back.
    waiter: Option<oneshot::Sender<Result<Released, RecipeError>>>,
}

/// Why a leader stops.
enum Stop {
    Lost(LostReason),
    Overridden,
    Parting(Parting),
}

impl Driver {
    /// Has the leader before fenced, and waits until nothing is in doubt.
    pub(super) async fn take_over(&mut self) -> Result<Option<Ended>, RecipeError> {
        let Stage::Leading(leading) = &mut self.stage else { return Ok(Some(Ended::Withdrawn)) };
        if let Some(fence) = &self.settings.fence {
            let held = &leading.term.held;
            tokio::select! {
                biased;
                reason = held.lost() => return Ok(Some(self.lose(reason).await)),
                fenced = fence.take_over(held, &self.settings) => match fenced {
                    Ok(()) => leading.breadcrumb = true,
                    Err(NotFenced::Refused(reason)) => {
                        tracing::warn!(reason, "the leader before was not fenced: stepping back");
                        self.give_back().await;
                        return Ok(Some(Ended::NotFenced));
                    }
                    Err(NotFenced::Failed(error)) => return Err(error),
                },
            }
        }
        let mut ownership = leading.held().watch();
        let settled = ownership.wait_for(|now| !matches!(now, Ownership::Suspended { .. })).await;
        match settled.map(|settled| *settled) {
            Ok(Ownership::Lost(reason)) => Ok(Some(self.lose(reason).await)),
            Ok(_) => Ok(None),
            Err(_) => Ok(Some(self.lose(LostReason::SessionClosed).await)),
        }
    }

    /// Leads until the term ends, and gives back what is left of it.
    pub(super) async fn lead(&mut self, standing: &mut StandingView) -> Ended {
        let Stage::Leading(leading) = &mut self.stage else { return Ended::Withdrawn };
        let (leadership, parting) = Leadership::new(&leading.term, &self.settings);
        leading.at_large = true;
        let parting = leading.parting.insert(parting);
        self.slot.offer(leadership);
        set(&self.role, Role::Leader { term: leading.term.held.token() });
        let stop = tokio::select! {
            biased;
            reason = until_lost(&leading.term, &self.role) => Stop::Lost(reason),
            parting = parting => Stop::Parting(parting.unwrap_or(Parting::Dropped { panicking: true })),
            () = until_overridden(&self.client, &self.settings, standing) => Stop::Overridden,
        };
        match stop {
            Stop::Lost(reason) => self.lose(reason).await,
            Stop::Parting(parting) => {
                leading.term.end.send_replace(Some(TermEnd::SteppedDown));
                leading.part(parting);
                self.set(Role::Joining);
                self.give_back().await;
                Ended::SteppedDown
            }
            Stop::Overridden => {
                // No leader from now on; how long it takes to be one no more is another question.
                self.set(Role::Joining);
                self.end(TermEnd::Overridden).await;
                self.give_back().await;
                Ended::Withdrawn
            }
        }
    }

    /// The node or the session is gone, or the policy takes it so.
    pub(super) async fn lose(&mut self, reason: LostReason) -> Ended {
        self.set(Role::Joining);
        if let Stage::Leading(leading) = &self.stage {
            leading.term.end.send_replace(Some(TermEnd::Lost(reason)));
        }
        self.slot.clear();
        self.give_back().await;
        Ended::Lost(reason)
    }

    /// Tells the holder to stop, and waits until it has let go, or its time is over.
    async fn end(&mut self, why: TermEnd) {
        let Stage::Leading(leading) = &mut self.stage else { return };
        leading.term.end.send_replace(Some(why));
        self.slot.clear();
        let Some(parting) = &mut leading.parting else { return };
        let parted = async {
            tokio::select! {
                biased;
                _ = leading.term.held.lost() => None,
                parting = parting => parting.ok(),
            }
        };
        if let Ok(Some(parting)) = timeout(self.settings.grace, parted).await {
            leading.part(parting);
        }
    }

    /// What is left of the stage when the candidate leaves, and its holder has been told.
    pub(super) async fn end_for_leaving(&mut self) -> Stage {
        self.end(TermEnd::Left).await;
        self.slot.clear();
        std::mem::replace(&mut self.stage, Stage::Out)
    }

    async fn give_back(&mut self) {
        if let Stage::Leading(leading) = std::mem::replace(&mut self.stage, Stage::Out)
            && let Err(error) = leading.give_back(&self.settings).await
        {
            tracing::debug!(%error, "left to the janitor");
        }
    }
}

impl Leading {
    pub(super) fn new(held: Held) -> Self {
        let term = Arc::new(Term { held, end: watch::Sender::new(None) });
        Self { term, parting: None, at_large: false, breadcrumb: false, waiter: None }
    }

    pub(super) fn held(&self) -> &Held {
        &self.term.held
    }

    /// Whether somebody still holds the leadership.
    fn is_shared(&self) -> bool {
        Arc::strong_count(&self.term) > 1
    }

    /// The holder has let go.
    fn part(&mut self, parting: Parting) {
        self.parting = None;
        self.at_large = false;
        match parting {
            Parting::SteppedDown(waiter) => self.waiter = Some(waiter),
            Parting::Dropped { panicking } => self.at_large = panicking,
        }
    }

    /// Gives it back behind a connection, and waits for the server to confirm. Whoever still holds it
    /// is told before.
    ///
    /// # Cancel safety
    /// A dropped future gives it back in the background.
    pub(super) async fn give_back(mut self, settings: &Settings) -> Result<Released, RecipeError> {
        let waiter = self.waiter.take();
        let outcome = Abandon(Some(self)).give_back(settings).await;
        if let Some(waiter) = waiter {
            let _ = waiter.send(outcome.clone());
        }
        outcome
    }

    /// Leaves it to the janitor. Whoever still holds it is told before.
    pub(super) fn abandon(self) {
        drop(Abandon(Some(self)));
    }
}

/// Leaves to the janitor what is still there when it is dropped.
struct Abandon(Option<Leading>);

impl Abandon {
    async fn give_back(mut self, settings: &Settings) -> Result<Released, RecipeError> {
        let Some(leading) = &self.0 else { return Ok(Released::AlreadyLost) };
        let held = &leading.term.held;
        if leading.is_shared() {
            held.mark_lost(LostReason::Released);
        }
        held.client().connected().await?;
        if leading.breadcrumb && !leading.at_large && held.ownership() == Ownership::Held {
            breadcrumb::clear(held, settings).await;
        }
        if leading.is_shared() {
            held.delete_shared().await?;
            return Ok(Released::Now);
        }
        let Some(Ok(term)) = self.0.take().map(|leading| Arc::try_unwrap(leading.term)) else {
            return Ok(Released::AlreadyLost);
        };
        Ok(term.held.release().await.map_err(|(_, source)| source)?)
    }
}

impl Drop for Abandon {
    fn drop(&mut self) {
        // What nobody else has goes with the only one that has it.
        let Some(leading) = self.0.take().filter(Leading::is_shared) else { return };
        leading.term.held.mark_lost(LostReason::Released);
        leading.term.held.leave_to_janitor();
    }
}

/// Waits until the leadership is lost, and tells meanwhile whether that is in doubt.
async fn until_lost(term: &Term, role: &watch::Sender<Role>) -> LostReason {
    let mut ownership = term.held.watch();
    loop {
        match *ownership.borrow_and_update() {
            Ownership::Lost(reason) => return reason,
            Ownership::Suspended { .. } => set(role, Role::Suspended),
            Ownership::Held => set(role, Role::Leader { term: term.held.token() }),
        }
        if ownership.changed().await.is_err() {
            return LostReason::SessionClosed;
        }
    }
}

/// Waits until an override wants somebody else to lead.
async fn until_overridden(
    client: &zk_client::Client,
    settings: &Settings,
    standing: &mut StandingView,
) {
    loop {
        let rivals = match standing.verdict().await {
            Verdict::Out => return,
            Verdict::YieldTo(ids) => Some(ids),
            Verdict::Free | Verdict::Frozen => None,
        };
        let present = async {
            match &rivals {
                Some(ids) => candidates::until_any_present(client, settings, ids).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = standing.changed() => {}
            () = present => return,
        }
    }
}

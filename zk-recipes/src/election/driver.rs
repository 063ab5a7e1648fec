//! The task of a candidate. It alone owns the candidate's node.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::sleep;
use zk_client::{Client, Error, Janitor};

use super::candidate::Leaving;
use super::candidates;
use super::follow::{Standing, StandingView, follow};
use super::leadership::Slot;
use super::leading::Leading;
use super::place::Place;
use super::role::{CloseMode, LeftReason, Role};
use super::settings::{Form, Settings};
use super::standing_override::Verdict;
use crate::error::RecipeError;
use crate::held::LostReason;

#[derive(Debug)]
pub(super) struct Driver {
    pub(super) client: Client,
    pub(super) settings: Arc<Settings>,
    pub(super) role: watch::Sender<Role>,
    pub(super) slot: Arc<Slot>,
    pub(super) stage: Stage,
}

/// What the candidate has in the tree. Dropping it leaves that to the janitor.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing, or what is under way and would be left to the janitor.
    Out,
    Waiting(Box<Place>),
    /// It is first.
    Leading(Leading),
}

/// How one stay in the queue has ended. Nothing is left of it.
#[derive(Debug)]
pub(super) enum Ended {
    /// An override wants it so.
    Withdrawn,
    /// The leader before could not be fenced.
    NotFenced,
    /// Its leadership was given up.
    SteppedDown,
    Lost(LostReason),
    Failed(RecipeError),
}

impl Driver {
    pub(super) async fn run(mut self, mut leave: oneshot::Receiver<Leaving>) {
        let (told, receiver) = watch::channel(Standing::Unknown);
        let mut standing = StandingView { receiver, id: self.settings.id.clone() };
        let (client, path) = (self.client.clone(), self.settings.path.clone());
        let overridable = self.settings.overridable;
        let followed = async move {
            if overridable {
                match follow(client, path, told).await {}
            }
            told.send_replace(Standing::None);
            std::future::pending::<()>().await;
        };
        let asked = {
            let followed = Box::pin(followed);
            tokio::select! {
                biased;
                asked = &mut leave => Ok(asked.ok()),
                () = followed => Ok(None),
                reason = self.campaign(&mut standing) => Err(reason),
            }
        };
        match asked {
            Err(reason) => {
                tracing::debug!(?reason, "left the election");
                self.set(Role::Left(reason));
            }
            Ok(Some(Leaving { mode, done })) => {
                let left = self.leave(mode).await;
                let _ = done.send(left);
            }
            Ok(None) => self.vanish().await,
        }
    }

    /// Takes part until it has left for good.
    async fn campaign(&mut self, standing: &mut StandingView) -> LeftReason {
        loop {
            let ended = self.stay(standing).await.unwrap_or_else(Ended::Failed);
            self.stage = Stage::Out;
            tracing::debug!(?ended, "out of the queue");
            self.set(Role::Joining);
            if let Some(reason) = self.after(ended).await {
                return reason;
            }
        }
    }

    /// Joins, waits, and leads.
    async fn stay(&mut self, standing: &mut StandingView) -> Result<Ended, RecipeError> {
        self.client.connected().await?;
        while standing.verdict().await == Verdict::Out {
            self.set(Role::Excluded);
            standing.changed().await;
        }
        self.set(Role::Joining);
        let place = Place::enter(&self.client, &self.settings).await?;
        self.stage = Stage::Waiting(Box::new(place));
        if let Some(ended) = self.wait(standing).await? {
            return Ok(ended);
        }
        loop {
            if let Some(ended) = self.get_clearance(standing).await? {
                return Ok(ended);
            }
            if let Some(ended) = self.take_over().await? {
                return Ok(ended);
            }
            if !standing.has_changed() {
                return Ok(self.lead(standing).await);
            }
        }
    }

    /// Waits until it is first.
    async fn wait(&mut self, standing: &mut StandingView) -> Result<Option<Ended>, RecipeError> {
        loop {
            let Stage::Waiting(place) = &mut self.stage else { return Ok(Some(Ended::Withdrawn)) };
            if let Some(ahead) = place.ahead() {
                set(&self.role, Role::Follower { ahead });
            }
            match until_step(place, standing).await? {
                Step::Turn => break,
                Step::Moved => {}
                Step::Out => return Ok(Some(self.withdraw().await)),
            }
        }
        if let Stage::Waiting(place) = std::mem::replace(&mut self.stage, Stage::Out)
            && let Some(held) = place.into_held(self.settings.policy)
        {
            self.stage = Stage::Leading(Leading::new(held));
        }
        Ok(None)
    }

    /// Waits until no override speaks against its leadership.
    async fn get_clearance(
        &mut self,
        standing: &mut StandingView,
    ) -> Result<Option<Ended>, RecipeError> {
        loop {
            let verdict = standing.verdict().await;
            let Stage::Leading(leading) = &self.stage else { return Ok(Some(Ended::Withdrawn)) };
            match verdict {
                Verdict::Free => return Ok(None),
                Verdict::Out => return Ok(Some(self.withdraw().await)),
                Verdict::YieldTo(ids) => {
                    if candidates::is_any_present(&self.client, &self.settings, &ids).await? {
                        return Ok(Some(self.withdraw().await));
                    }
                    return Ok(None);
                }
                Verdict::Frozen => {
                    set(&self.role, Role::Frozen);
                    let lost = leading.held().lost();
                    tokio::select! {
                        biased;
                        reason = lost => return Ok(Some(self.lose(reason).await)),
                        () = standing.changed() => {}
                    }
                }
            }
        }
    }

    /// What follows; `None` for another stay.
    async fn after(&self, ended: Ended) -> Option<LeftReason> {
        let rejoins = self.settings.rejoins;
        match ended {
            Ended::Withdrawn => None,
            Ended::NotFenced => {
                sleep(AFTER_FAILED_FENCING).await;
                None
            }
            Ended::SteppedDown if !rejoins => Some(LeftReason::SteppedDown),
            Ended::SteppedDown => {
                if self.settings.form == Form::FirstComer {
                    // It would be the first again, as nobody else knows yet.
                    sleep(BREATH).await;
                }
                None
            }
            Ended::Lost(reason) | Ended::Failed(RecipeError::Lost(reason)) => {
                let over = LeftReason::Lost(reason);
                if !rejoins || reason == LostReason::SessionClosed {
                    return Some(over);
                }
                self.client.connected().await.is_err().then_some(over)
            }
            Ended::Failed(RecipeError::Client(Error::SessionExpired)) => {
                Box::pin(self.after(Ended::Lost(LostReason::SessionExpired))).await
            }
            Ended::Failed(RecipeError::Client(Error::Closed)) => {
                Some(LeftReason::Lost(LostReason::SessionClosed))
            }
            Ended::Failed(error) if is_passing(&error) => {
                tracing::debug!(%error, "joining once more");
                sleep(BREATH).await;
                None
            }
            Ended::Failed(error) => Some(LeftReason::Failed(error)),
        }
    }

    /// Leaves the queue because an override wants it so.
    async fn withdraw(&mut self) -> Ended {
        match std::mem::replace(&mut self.stage, Stage::Out) {
            Stage::Waiting(place) => {
                if let Err(error) = place.leave().await {
                    tracing::debug!(%error, "left to the janitor");
                }
            }
            Stage::Leading(leading) => {
                let _ = leading.give_back(&self.settings).await;
            }
            Stage::Out => {}
        }
        Ended::Withdrawn
    }

    async fn leave(&mut self, mode: CloseMode) -> Result<(), RecipeError> {
        if mode == CloseMode::Notify {
            self.set(Role::Left(LeftReason::Left));
        }
        let janitor = Janitor::of(&self.client);
        let left = match self.end_for_leaving().await {
            Stage::Out => Ok(()),
            Stage::Waiting(place) => place.leave().await,
            Stage::Leading(leading) => leading.give_back(&self.settings).await.map(|_| ()),
        };
        if let Err(error @ RecipeError::Client(Error::Server { .. })) = left {
            return Err(error);
        }
        janitor.drain().await;
        Ok(())
    }

    /// The candidate was dropped: what it has is left to the janitor.
    async fn vanish(&mut self) {
        self.set(Role::Left(LeftReason::Left));
        self.stage = self.end_for_leaving().await;
    }

    pub(super) fn set(&self, role: Role) {
        set(&self.role, role);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.slot.clear();
        // Also when its runtime shuts down while somebody holds the leadership.
        if let Stage::Leading(leading) = std::mem::replace(&mut self.stage, Stage::Out) {
            leading.abandon();
        }
        // A callback may do so, and whoever waits for this candidate is told.
        if std::thread::panicking() {
            self.set(Role::Left(LeftReason::Panicked));
        }
    }
}

/// What became of a wait.
enum Step {
    Turn,
    Moved,
    Out,
}

/// Waits for one change in the queue. An override that does not have us leave it does not disturb, as
/// to wait anew would set the watches anew.
async fn until_step(place: &mut Place, standing: &mut StandingView) -> Result<Step, RecipeError> {
    let step = place.step();
    tokio::pin!(step);
    loop {
        tokio::select! {
            biased;
            () = standing.changed() => if standing.verdict().await == Verdict::Out {
                return Ok(Step::Out);
            },
            turn = &mut step => return Ok(if turn? { Step::Turn } else { Step::Moved }),
        }
    }
}

/// Nothing is told that is known.
pub(super) fn set(told: &watch::Sender<Role>, role: Role) {
    told.send_if_modified(|known| {
        let changed = *known != role;
        if changed {
            tracing::debug!(?role, "role");
            *known = role;
        }
        changed
    });
}

/// Whether another attempt to join may succeed.
fn is_passing(error: &RecipeError) -> bool {
    match error {
        RecipeError::Timeout => true,
        RecipeError::Client(error) => error.outcome_unknown() || error.is_retriable(),
        _ => false,
    }
}

/// As Hadoop's `ActiveStandbyElector` waits, so that others get a chance.
const AFTER_FAILED_FENCING: Duration = Duration::from_secs(1);
/// Before the server is asked again that did not answer, and before others have heard of something.
const BREATH: Duration = Duration::from_millis(100);

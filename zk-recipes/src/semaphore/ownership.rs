//! What is known of several leases together.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::held::{LostReason, Ownership};

/// Says of several leases what is true of the worst of them. Once lost it stays so.
#[derive(Debug)]
pub(super) struct Together {
    ownership: watch::Sender<Ownership>,
    task: Option<AbortHandle>,
    /// Grows with each set of leases: a task that was stopped, and has not noticed, is not heard.
    round: Arc<AtomicU64>,
    /// So that permits can be split and merged on any thread.
    runtime: Handle,
}

impl Together {
    pub(super) fn new(runtime: Handle, leases: Vec<watch::Receiver<Ownership>>) -> Self {
        let ownership = watch::Sender::new(Ownership::Held);
        let mut this = Self { ownership, task: None, round: Arc::default(), runtime };
        this.follow(leases);
        this
    }

    pub(super) fn runtime(&self) -> Handle {
        self.runtime.clone()
    }

    /// Follows these leases, and no others from now on.
    pub(super) fn follow(&mut self, leases: Vec<watch::Receiver<Ownership>>) {
        self.rest();
        tell(&self.ownership, worst(leases.iter().map(|lease| *lease.borrow())));
        let round = Round { current: Arc::clone(&self.round), own: self.round.load(ORDER) };
        let task = self.runtime.spawn(follow(leases, self.ownership.clone(), round));
        self.task = Some(task.abort_handle());
    }

    /// Follows no lease for now.
    pub(super) fn rest(&mut self) {
        self.round.fetch_add(1, ORDER);
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }

    pub(super) fn ownership(&self) -> Ownership {
        *self.ownership.borrow()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Ownership> {
        self.ownership.subscribe()
    }

    pub(super) fn lose(&self, reason: LostReason) {
        tell(&self.ownership, Ownership::Lost(reason));
    }

    /// The loss of any of the leases that it has then, when it happens.
    pub(super) fn lost(&self) -> impl Future<Output = LostReason> + Send + 'static + use<> {
        let mut ownership = self.ownership.subscribe();
        async move {
            loop {
                if let Ownership::Lost(reason) = *ownership.borrow_and_update() {
                    return reason;
                }
                if ownership.changed().await.is_err() {
                    return LostReason::Released;
                }
            }
        }
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        self.rest();
        self.lose(LostReason::Released);
    }
}

/// Which set of leases a task follows, and which one is followed now.
struct Round {
    current: Arc<AtomicU64>,
    own: u64,
}

async fn follow(
    mut leases: Vec<watch::Receiver<Ownership>>,
    told: watch::Sender<Ownership>,
    round: Round,
) {
    loop {
        let now = worst(leases.iter_mut().map(|lease| *lease.borrow_and_update()));
        tell_if(&told, now, || round.current.load(ORDER) == round.own);
        if matches!(now, Ownership::Lost(_)) || !any_changed(&mut leases).await {
            return;
        }
    }
}

/// Waits until one of them has changed; false when one of them will not change any more.
async fn any_changed(leases: &mut [watch::Receiver<Ownership>]) -> bool {
    let mut changes: Vec<_> = leases.iter_mut().map(|lease| Box::pin(lease.changed())).collect();
    poll_fn(|cx| {
        for change in &mut changes {
            if let Poll::Ready(changed) = Pin::new(change).poll(cx) {
                return Poll::Ready(changed.is_ok());
            }
        }
        Poll::Pending
    })
    .await
}

fn tell(told: &watch::Sender<Ownership>, now: Ownership) {
    tell_if(told, now, || true);
}

/// The condition is asked under the lock that orders what is told.
fn tell_if(told: &watch::Sender<Ownership>, now: Ownership, condition: impl Fn() -> bool) {
    told.send_if_modified(|known| {
        let is_news = !matches!(known, Ownership::Lost(_)) && *known != now && condition();
        if is_news {
            *known = now;
        }
        is_news
    });
}

/// Lost if one is, suspended if one is; certain only as long as all are.
fn worst(leases: impl Iterator<Item = Ownership>) -> Ownership {
    leases.fold(Ownership::Held, |worst, lease| match (worst, lease) {
        (Ownership::Lost(_), _) | (_, Ownership::Held) => worst,
        (Ownership::Held, _) | (_, Ownership::Lost(_)) => lease,
        (
            Ownership::Suspended { since: one, safe_until: safe_one },
            Ownership::Suspended { since: other, safe_until: safe_other },
        ) => Ownership::Suspended {
            since: one.min(other),
            // None is less than any.
            safe_until: safe_one.min(safe_other),
        },
    })
}

const ORDER: Ordering = Ordering::SeqCst;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    fn check(leases: &[Ownership], expected: Ownership) {
        assert_eq!(worst(leases.iter().copied()), expected);
        assert_eq!(worst(leases.iter().rev().copied()), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn several_are_held_only_as_long_as_each_is() {
        let (held, lost) = (Ownership::Held, Ownership::Lost(LostReason::NodeDeleted));
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let suspended = |since, safe_until| Ownership::Suspended { since, safe_until };
        check(&[], held);
        check(&[held, held], held);
        check(&[held, lost, held], lost);
        check(&[suspended(now, None), held], suspended(now, None));
        check(&[suspended(now, Some(later)), lost], lost);
        check(
            &[suspended(now, Some(later)), suspended(later, Some(now))],
            suspended(now, Some(now)),
        );
        check(&[suspended(later, Some(later)), suspended(now, None)], suspended(now, None));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_lost_stays_lost_and_what_is_followed_can_change() {
        let lease = || watch::Sender::new(Ownership::Held);
        let (one, other) = (lease(), lease());
        let mut together =
            Together::new(Handle::current(), vec![one.subscribe(), other.subscribe()]);
        let suspended = Ownership::Suspended { since: Instant::now(), safe_until: None };
        let mut told = together.subscribe();
        other.send_replace(suspended);
        told.wait_for(|now| *now == suspended).await.unwrap();
        together.follow(vec![one.subscribe()]);
        assert_eq!(together.ownership(), Ownership::Held);
        other.send_replace(Ownership::Lost(LostReason::NodeDeleted));
        tokio::task::yield_now().await;
        assert_eq!(together.ownership(), Ownership::Held);
        let lost = together.lost();
        one.send_replace(Ownership::Lost(LostReason::SessionExpired));
        assert_eq!(lost.await, LostReason::SessionExpired);
        together.follow(vec![lease().subscribe()]);
        assert_eq!(together.ownership(), Ownership::Lost(LostReason::SessionExpired));
    }
}

//! Futures that are dropped before they are done.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

/// Polls a future at most `polls` times, whenever it asks for it, and drops it; `None` if it was
/// not done by then. One that has not asked for `PATIENCE` waits for something that does not
/// come, and is dropped as well.
///
/// `for polls in 0..`, until it is done, drops a call at each of its moments. How many there are is
/// only sure in virtual time: elsewhere an answer may be there before it is waited for.
pub async fn drop_after_polls<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    drop_after(future, polls, PATIENCE).await
}

/// The same, with another patience.
pub(super) async fn drop_after<F: Future>(
    future: F,
    polls: usize,
    patience: Duration,
) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut polled = 0;
    let drive = poll_fn(|cx| {
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        future.as_mut().poll(cx).map(Some)
    });
    timeout(patience, drive).await.unwrap_or(None)
}

/// Longer than an answer takes.
const PATIENCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::task::yield_now;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_future_is_polled_so_often_and_not_more() {
        let two_polls = async || {
            yield_now().await;
            5
        };
        assert_eq!(drop_after_polls(ready(5), 0).await, None);
        assert_eq!(drop_after_polls(two_polls(), 1).await, None);
        assert_eq!(drop_after_polls(two_polls(), 2).await, Some(5));
        assert_eq!(drop_after_polls(pending::<()>(), 9).await, None);
    }
}

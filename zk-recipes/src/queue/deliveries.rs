use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::{Delivery, Queue};
use crate::codec::Codec;
use crate::error::RecipeError;

/// The items of a queue as they come. Made by [`Queue::deliveries`].
///
/// It stands in line only while it is polled for an item that has not come: to keep it from the poll is to
/// keep a place in line. Dropping it leaves the line, and gives back what it may have claimed.
#[must_use = "nothing is taken unless it is polled"]
pub struct Deliveries<T, C> {
    queue: Queue<T, C>,
    next: Option<Taking<T>>,
}

type Taking<T> = Pin<Box<dyn Future<Output = Result<Delivery<T>, RecipeError>> + Send>>;

impl<T, C> Deliveries<T, C> {
    pub(super) const fn new(queue: Queue<T, C>) -> Self {
        Self { queue, next: None }
    }
}

impl<T: Send + 'static, C: Codec<T>> Deliveries<T, C> {
    /// The next item, as [`Queue::take`].
    ///
    /// # Errors
    /// As [`Queue::take`].
    ///
    /// # Cancel safety
    /// The place in line stays.
    pub async fn next(&mut self) -> Result<Delivery<T>, RecipeError> {
        std::future::poll_fn(|cx| self.poll_take(cx)).await
    }

    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Result<Delivery<T>, RecipeError>> {
        let queue = &self.queue;
        let taking = self.next.get_or_insert_with(|| {
            let queue = queue.clone();
            Box::pin(async move { queue.take().await })
        });
        let taken = ready!(taking.as_mut().poll(cx));
        self.next = None;
        Poll::Ready(taken)
    }
}

impl<T: Send + 'static, C: Codec<T>> Stream for Deliveries<T, C> {
    type Item = Result<Delivery<T>, RecipeError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_take(cx).map(Some)
    }
}

impl<T, C> fmt::Debug for Deliveries<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries").field("queue", &self.queue).finish_non_exhaustive()
    }
}

//! What consumers call.

use std::sync::Arc;
use std::time::Duration;

use tracing::{Instrument, debug_span};

use super::claim::Claim;
use super::delivery::{Delivery, given_up_after};
use super::taking::PassedOver;
use super::{Deliveries, Queue};
use crate::codec::{Codec, CodecError};
use crate::error::RecipeError;
use crate::retry::{has_next_session, within};

impl<T, C: Codec<T>> Queue<T, C> {
    /// Waits for the next item, in a fair line with other consumers. There is no deadline: nobody may put
    /// anything.
    ///
    /// # Errors
    /// [`RecipeError::Lost`] when somebody deletes our node in the line; [`RecipeError::Timeout`] when the
    /// connection broke in each of 30 attempts to stand there; and the client's.
    ///
    /// # Cancel safety
    /// A dropped future leaves the line, or gives the item back, in the background.
    pub async fn take(&self) -> Result<Delivery<T>, RecipeError> {
        let span = debug_span!("queue", path = self.core.path);
        async {
            let mut passed_over = PassedOver::new();
            loop {
                let claimed = self.core.claim_next(&passed_over).await;
                let delivered = match claimed {
                    Ok(claim) => self.deliver(claim, &mut passed_over).await,
                    Err(error) => Err(error),
                };
                match delivered {
                    Ok(Some(delivery)) => return Ok(delivery),
                    Ok(None) => {}
                    Err(error) if has_next_session(&self.core.client, &error).await => {
                        tracing::debug!(%error, "lining up in a new session");
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        .instrument(span)
        .await
    }

    /// Waits for the next item, but not for longer than `limit`, connection trouble included.
    ///
    /// # Errors
    /// [`RecipeError::Timeout`], and those of [`take`](Self::take).
    ///
    /// # Cancel safety
    /// As [`take`](Self::take); so it is when the time has passed.
    pub async fn take_timeout(&self, limit: Duration) -> Result<Delivery<T>, RecipeError> {
        within(limit, self.take()).await
    }

    /// Takes the next item if there is one that nobody has and whose time has come, without standing in
    /// line: it may be faster than those who do. Two round trips.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// As [`take`](Self::take).
    pub async fn try_take(&self) -> Result<Option<Delivery<T>>, RecipeError> {
        let mut passed_over = PassedOver::new();
        loop {
            let Some(claim) = self.core.claim_now(&passed_over).await? else { return Ok(None) };
            if let Some(delivery) = self.deliver(claim, &mut passed_over).await? {
                return Ok(Some(delivery));
            }
        }
    }

    /// The items as they come, one after the other: a stream over [`take`](Self::take) that never ends by
    /// itself, and goes on after an error if it is asked to.
    pub fn deliveries(&self) -> Deliveries<T, C> {
        Deliveries::new(self.clone())
    }

    /// The item that a [`try_take`](Self::try_take) would get, without taking it, as the server that is asked
    /// knows it.
    ///
    /// # Errors
    /// [`RecipeError::Codec`] when it cannot be read, and the client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn peek(&self) -> Result<Option<T>, RecipeError> {
        let client = &self.core.client;
        let mut state = client.state();
        loop {
            let found = self.core.look(client, &mut state, &PassedOver::new()).await?;
            let Some(first) = found.ready.first() else { return Ok(None) };
            let path = self.core.item(&first.name);
            match client.get(&path).await {
                // Somebody is done with it.
                Err(error) if error.code() == Some(zk_client::ErrorCode::NoNode) => {}
                read => {
                    let codec = |error| RecipeError::Codec { path: path.clone(), error };
                    return self.codec.decode(&read?.0).map(Some).map_err(codec);
                }
            }
        }
    }

    /// What is in a claim, for its holder; `None` when it cannot be delivered, and was moved out of the
    /// way.
    async fn deliver(
        &self,
        claim: Claim,
        passed_over: &mut PassedOver,
    ) -> Result<Option<Delivery<T>>, RecipeError> {
        let read = claim.data.as_ref().map_err(CodecError::new);
        let decoded = read.and_then(|data| Ok((self.codec.decode(data)?, data.clone())));
        let why = match decoded {
            Ok(_) if self.core.max_attempts.is_some_and(|most| claim.attempts > most) => {
                given_up_after(claim.attempts.saturating_sub(1))
            }
            Ok((item, data)) => {
                let (attempts, core) = (claim.attempts, Arc::clone(&self.core));
                let held = claim.into_held(&self.core);
                return Ok(Some(Delivery::new(held, item, attempts, data, core)));
            }
            Err(error) => format!("cannot be read: {error}"),
        };
        let id = claim.nodes.name.id;
        if !self.core.bury(claim, &why).await? {
            passed_over.insert(id);
        }
        Ok(None)
    }
}

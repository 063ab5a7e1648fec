use zk_proto::{ErrorCode, Version};

use super::janitor::{HandOver, Item, Janitor};
use super::steps::{BREATH, MOST_ATTEMPTS, Steps, steps};
use super::{Client, Delete};
use crate::error::{Delivery, Error};
use crate::reply::Reply;

/// A node to delete that is not given up. Made by [`Delete::guaranteed`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct GuaranteedDelete<'a>(Delete<'a>);

/// A node that is to be gone. Made by [`Delete::idempotent`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct IdempotentDelete<'a>(Delete<'a>);

impl<'a> Delete<'a> {
    /// Goes on in the background when nobody knows whether it was done: until the server has said
    /// how it went, or the session is over. See [`GuaranteedDelete::send`].
    pub const fn guaranteed(self) -> GuaranteedDelete<'a> {
        GuaranteedDelete(self)
    }

    /// Succeeds also when there is no such node, and is sent again when its reply was lost.
    #[doc(alias = "quietly")]
    pub const fn idempotent(self) -> IdempotentDelete<'a> {
        IdempotentDelete(self)
    }
}

impl GuaranteedDelete<'_> {
    /// Sends the request.
    ///
    /// Its errors are those of [`Delete::send`]. After [`Error::outcome_unknown`] and
    /// [`Error::is_retriable`], and when the call is dropped before it has ended, the
    /// [`Janitor`] deletes the node in the background. Without a
    /// [`version`](Delete::version) that may hit a node which somebody else has created at the same
    /// path meanwhile: meant for nodes with unique names.
    pub fn send(self) -> Steps<()> {
        let Delete { client, path, version } = self.0;
        let item = match client.server_path(path) {
            Ok(path) => Item::Delete { path, version, bound: client.bound },
            Err(error) => return Steps::refused(error),
        };
        let mut hand_over = HandOver::new(Janitor::of(client), item);
        let deleted = self.0.send();
        let client = client.clone();
        Steps::new(async move {
            let outcome = deleted.await;
            if !outcome.as_ref().is_err_and(|error| client.is_passing(error)) {
                hand_over.take_back();
            }
            outcome
        })
    }
}

steps!(GuaranteedDelete => ());

impl IdempotentDelete<'_> {
    /// Sends the first request.
    ///
    /// All attempts together take no longer than the operation timeout. The errors are those of
    /// [`Delete::send`] without `NoNode`; [`Error::outcome_unknown`] only when the time is up. A
    /// lost reply may hide that somebody else has created the node again, which is deleted then; a
    /// [`version`](Delete::version) makes that unlikely. When it is dropped the node may have been
    /// deleted.
    pub fn send(self) -> Steps<()> {
        let Delete { client, path, version } = self.0;
        let first = self.0.send();
        let run = until_gone(client.clone(), path.to_owned(), version, first);
        Steps::within_operation_timeout(client, run)
    }
}

steps!(IdempotentDelete => ());

async fn until_gone(
    client: Client,
    path: String,
    version: Version,
    mut reply: Reply<()>,
) -> Result<(), Error> {
    for _ in 0..MOST_ATTEMPTS {
        match reply.await {
            Ok(()) => return Ok(()),
            Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(()),
            Err(error) if client.is_passing(&error) => client.recover(&error).await?,
            Err(error) => return Err(error),
        }
        reply = client.delete(&path).version(version).send();
    }
    Err(Error::Timeout { delivery: Delivery::Unknown })
}

impl Client {
    /// Waits until it makes sense to send a request again. Whoever calls it has a deadline.
    pub(super) async fn recover(&self, error: &Error) -> Result<(), Error> {
        tracing::debug!(%error, "trying again");
        // A server that says that the session is over hangs up in a moment.
        if error.is_retriable() || error.code().is_some() {
            tokio::time::sleep(BREATH).await;
        }
        // What may have been done does not become undone by the end of the session.
        self.connected()
            .await
            .map_err(|over| if error.outcome_unknown() { error.clone() } else { over })
    }
}

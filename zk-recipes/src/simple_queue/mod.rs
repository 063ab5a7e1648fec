//! The queue that ZooKeeper's own recipes in Java and C, and Curator's `SimpleDistributedQueue`, share:
//! plain, first in first out, delivered at most once.
//!
//! # Layout
//! `<path>/qn-<sequence>`, persistent and sequential, with the caller's data. The lowest number is first.
//! The path is made as a container when it is missing.
//!
//! # Costs
//! An offer is one round trip. A poll is three: the listing, the data, the delete. A take that waits also
//! sets a watch on the path. Each offer wakes every consumer that waits, and each poll those that wait
//! behind it: the layout has no line to stand in. [`Queue`](crate::queue::Queue) does.
//!
//! # Guarantees
//! An item is taken by one consumer, in the order of the offers; near the end of the counter by the
//! transactions that made them. An item is read, then deleted: a consumer that dies behind the delete has
//! lost it. There is nothing in the layout by which a lost reply could be settled in all cases:
//! * an offer whose reply was lost is told as [`outcome_unknown`](crate::RecipeError::outcome_unknown): to
//!   offer again may offer twice;
//! * after a delete whose reply was lost it is looked whether the item is still there; then it was not
//!   taken, and is now. If it is gone, this consumer may have taken it or another one, and the call ends with
//!   [`outcome_unknown`](crate::RecipeError::outcome_unknown): the item is lost, or somebody else's. It is not
//!   delivered twice. (Curator's and ZooKeeper's own silently go on with the next item.)
//!
//! # What happens when
//! * **The connection is lost**: who waits waits on, and looks again.
//! * **The session expires**: nodes of the queue belong to no session. A call that waits goes on with the next
//!   session where there will be one, and ends otherwise.
//! * **The path goes**, as an empty container does after a while: a take that waits makes it again, and
//!   waits on (CURATOR-308).
//! * **A future is dropped**: a poll or take that was about to delete its item may have done so, and the item
//!   is lost then. An offer may be carried out.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use zk_client::path::join;
use zk_client::{Acl, Client, CreateMode, Error, ErrorCode, Zxid};

use crate::contender::order::{is_ordered, key, sequence_of};
use crate::error::RecipeError;
use crate::recipe_path;
use crate::retry::{until, until_settled};

/// A queue at a path that other libraries use, too. Cheap to clone; see the [module](self).
#[derive(Clone, Debug)]
#[doc(alias = "SimpleDistributedQueue")]
#[doc(alias = "DistributedQueue")]
pub struct SimpleQueue {
    client: Client,
    path: String,
    acl: Vec<Acl>,
}

impl SimpleQueue {
    /// The queue at a path. Nothing is sent yet.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule.
    pub fn new(client: &Client, path: &str) -> Result<Self, RecipeError> {
        let path = recipe_path::checked(path)?;
        Ok(Self { client: client.clone(), path, acl: Acl::open() })
    }

    /// The ACL of items. Default: open.
    #[must_use]
    pub fn acl(mut self, acl: Vec<Acl>) -> Self {
        self.acl = acl;
        self
    }

    /// Puts data at the tail.
    ///
    /// # Errors
    /// The client's; after [`RecipeError::outcome_unknown`] it may have been put.
    /// [`RecipeError::SequenceExhausted`] after 2,147,483,647 offers, while the item with the last number is
    /// there: nothing was put.
    ///
    /// # Cancel safety
    /// After a dropped future it may have been put.
    pub async fn offer(&self, data: impl Into<Bytes>) -> Result<(), RecipeError> {
        let path = join(&self.path, PREFIX);
        let create = self.client.create(&path, data).mode(CreateMode::PersistentSequential);
        match create.acl(self.acl.clone()).with_container_parents().await {
            // The counter sticks at its end, and nothing else tells the names apart.
            Err(error) if error.code() == Some(ErrorCode::NodeExists) => {
                Err(RecipeError::SequenceExhausted { parent: self.path.clone() })
            }
            created => Ok(created.map(|_| ())?),
        }
    }

    /// The data of the first item, which stays; `None` when the queue is empty.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    #[doc(alias = "element")]
    pub async fn peek(&self) -> Result<Option<Bytes>, RecipeError> {
        loop {
            let Some(first) = self.first().await? else { return Ok(None) };
            if let Some(data) = self.read(&first).await? {
                return Ok(Some(data));
            }
        }
    }

    /// Takes the first item; `None` when the queue is empty.
    ///
    /// # Errors
    /// The client's. After [`RecipeError::outcome_unknown`] an item may have been taken, and is lost.
    ///
    /// # Cancel safety
    /// A dropped future may have taken an item, which is lost then.
    #[doc(alias = "remove")]
    pub async fn poll(&self) -> Result<Option<Bytes>, RecipeError> {
        loop {
            let Some(first) = self.first().await? else { return Ok(None) };
            let Some(data) = self.read(&first).await? else { continue };
            if self.delete(&first).await? {
                return Ok(Some(data));
            }
            tracing::debug!(item = first, "somebody else was faster");
        }
    }

    /// Takes the first item, and waits for one for no longer than `limit`; `None` when none came. What has
    /// begun then to be taken is not given up: it may take as long as the client's operation timeout.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    ///
    /// # Cancel safety
    /// As [`poll`](Self::poll).
    pub async fn poll_timeout(&self, limit: Duration) -> Result<Option<Bytes>, RecipeError> {
        let deadline = Instant::now() + limit;
        self.take_until(Some(deadline)).await
    }

    /// Waits for the first item and takes it. There is no deadline: nobody may offer anything.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    ///
    /// # Cancel safety
    /// As [`poll`](Self::poll).
    pub async fn take(&self) -> Result<Bytes, RecipeError> {
        loop {
            if let Some(data) = self.take_until(None).await? {
                return Ok(data);
            }
        }
    }

    /// How many items there are, as the server that is asked knows it.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn len(&self) -> Result<usize, RecipeError> {
        Ok(self.names().await?.len())
    }

    /// Whether there are no items.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn is_empty(&self) -> Result<bool, RecipeError> {
        Ok(self.len().await? == 0)
    }

    /// The path the queue was made with.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    async fn take_until(&self, deadline: Option<Instant>) -> Result<Option<Bytes>, RecipeError> {
        loop {
            match self.poll().await {
                // Nothing was taken.
                Err(RecipeError::Client(error)) if error.is_retriable() => {}
                Ok(None) => {}
                polled => return polled,
            }
            match until(deadline, self.wait_for_an_offer()).await {
                Err(RecipeError::Timeout) => return Ok(None),
                waited => waited?,
            }
        }
    }

    /// Waits until there may be an item.
    async fn wait_for_an_offer(&self) -> Result<(), RecipeError> {
        self.client.connected().await?;
        let mut state = self.client.state();
        let (names, offered) = match self.client.children(&self.path).watch().await {
            Ok(listed) => listed,
            Err(error) if error.code() == Some(ErrorCode::NoNode) => return self.make_path().await,
            Err(error) if error.is_retriable() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if names.iter().any(|name| sequence_of(name, PREFIX).is_some()) {
            return Ok(());
        }
        tracing::debug!(path = self.path, "waiting for an offer");
        tokio::select! {
            event = offered => match event {
                // The session has ended; the queue is not part of it.
                Err(Error::SessionExpired) => {}
                event => event.map(|_| ())?,
            },
            // What was offered without a connection is looked for.
            _ = state.changed() => {}
        }
        Ok(())
    }

    async fn make_path(&self) -> Result<(), RecipeError> {
        let create = || async {
            let made = self.client.create(&self.path, "").mode(CreateMode::Container);
            match made.with_container_parents().await {
                Err(error) if error.code() == Some(ErrorCode::NodeExists) => Ok(()),
                // Before ZooKeeper 3.5.1.
                Err(error) if error.code() == Some(ErrorCode::Unimplemented) => {
                    self.client.create(&self.path, "").with_parents().idempotent().await.map(|_| ())
                }
                made => made.map(|_| ()),
            }
        };
        until_settled(&self.client, |_| create()).await
    }

    async fn names(&self) -> Result<Vec<String>, RecipeError> {
        let listed = match self.client.children(&self.path).await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(Vec::new()),
            listed => listed?,
        };
        let is_item = |name: &str| sequence_of(name, PREFIX).is_some() && name.starts_with(PREFIX);
        Ok(listed.iter().filter(|name| is_item(name)).map(|name| name.to_string()).collect())
    }

    /// The path of the first item.
    async fn first(&self) -> Result<Option<String>, RecipeError> {
        loop {
            let names = self.names().await?;
            let mut keyed = Vec::with_capacity(names.len());
            for name in &names {
                let Some(sequence) = sequence_of(name, PREFIX) else { continue };
                let path = join(&self.path, name);
                if is_ordered(sequence) {
                    keyed.push((key(sequence, Zxid(0)), path));
                } else if let Some(stat) = self.client.exists(&path).await? {
                    keyed.push((key(sequence, stat.czxid), path));
                }
            }
            match keyed.into_iter().min() {
                Some((_, path)) => return Ok(Some(path)),
                None if names.is_empty() => return Ok(None),
                // All have gone meanwhile.
                None => {}
            }
        }
    }

    async fn read(&self, path: &str) -> Result<Option<Bytes>, RecipeError> {
        match self.client.get(path).await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(None),
            read => Ok(Some(read?.0)),
        }
    }

    /// Deletes an item; tells whether it was us.
    async fn delete(&self, path: &str) -> Result<bool, RecipeError> {
        for _ in 0..MOST_ATTEMPTS {
            let error = match self.client.delete(path).await {
                Ok(()) => return Ok(true),
                Err(error) => error,
            };
            if error.code() == Some(ErrorCode::NoNode) {
                return Ok(false);
            }
            if !error.outcome_unknown() {
                return Err(error.into());
            }
            if !self.is_still_there(path).await.unwrap_or(false) {
                return Err(error.into());
            }
        }
        Err(RecipeError::Timeout)
    }

    async fn is_still_there(&self, path: &str) -> Result<bool, Error> {
        self.client.connected().await?;
        let synced = self.client.sync(path).send();
        let found = self.client.exists(path).send();
        synced.await?;
        Ok(found.await?.is_some())
    }
}

const PREFIX: &str = "qn-";
/// Connections that break each time are not waited out for ever.
const MOST_ATTEMPTS: usize = 30;

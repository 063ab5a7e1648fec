//! Deletes the nodes that nobody waits for any more: of dropped guards and dropped futures.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use zk_client::path::join;
use zk_client::{ByteString, Client, Error, ErrorCode, Reply, SessionState, WeakClient};

/// The background task of a session that finishes clean-up which a dropped value could not wait
/// for. There is one for each session; it starts with the first recipe that needs it.
///
/// It works on until each node is gone or the session is over, in which case the nodes, being
/// ephemeral, go too. It does not keep the session open.
#[derive(Debug)]
pub struct Janitor {
    todo: Arc<Todo>,
}

/// What is left to do. Grows only with nodes that exist on the server, by one entry for each.
#[derive(Debug)]
struct Todo {
    /// `None` once the task has ended: the session is over, or its runtime is.
    items: Mutex<Option<VecDeque<Item>>>,
    added: Notify,
    /// Those in `items`, and those being worked on. Changed under the lock of `items`.
    pending: watch::Sender<usize>,
}

/// A node to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// Its path is known. Names are unique, so nobody else's node can have it.
    Delete { path: String },
    /// It may or may not have been created; its name would start so.
    FindAndDelete { parent: String, prefix: String },
}

impl Janitor {
    /// The janitor of a client's session.
    ///
    /// # Panics
    /// Outside a tokio runtime, when it is the first call for the session: later ones only find
    /// the janitor that is there.
    #[must_use]
    pub fn of(client: &Client) -> Arc<Self> {
        let weak = client.downgrade();
        let state = client.state();
        client.extension(move || {
            let todo = Arc::new(Todo {
                items: Mutex::new(Some(VecDeque::new())),
                added: Notify::new(),
                pending: watch::Sender::new(0),
            });
            tokio::spawn(run(weak, state, Arc::clone(&todo)));
            Self { todo }
        })
    }

    /// How many nodes wait to be deleted.
    #[must_use]
    pub fn pending(&self) -> usize {
        *self.todo.pending.borrow()
    }

    /// Waits until nothing is left to delete. There is no deadline: without a connection this
    /// waits for one, and no longer than the session lives.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn drain(&self) {
        let mut pending = self.todo.pending.subscribe();
        // The sender lives in `self`.
        let _ = pending.wait_for(|pending| *pending == 0).await;
    }

    /// Takes over a node. Never blocks, and works without a runtime.
    pub(crate) fn take_over(&self, item: Item) {
        if let Some(items) = self.todo.lock().as_mut() {
            items.push_back(item);
            self.todo.pending.send_modify(|pending| *pending += 1);
        }
        self.todo.added.notify_one();
    }
}

async fn run(client: WeakClient, mut state: watch::Receiver<SessionState>, todo: Arc<Todo>) {
    let _forget = ForgetOnDrop(Arc::clone(&todo));
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::select! {
            () = todo.added.notified() => {}
            // Nothing is left to delete when the session is over.
            _ = state.wait_for(SessionState::is_over) => return,
        }
        while todo.has_items() {
            let Some(client) = client.upgrade() else {
                return;
            };
            let failed = clean(&client, todo.take_all()).await;
            drop(client);
            let failures = failed.len();
            todo.put_back(failed);
            if failures == 0 {
                pause = FIRST_PAUSE;
                continue;
            }
            tokio::select! {
                () = sleep(pause) => {}
                _ = state.wait_for(SessionState::is_over) => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Whoever waits for the janitor must not wait for one that has gone.
struct ForgetOnDrop(Arc<Todo>);

impl Drop for ForgetOnDrop {
    fn drop(&mut self) {
        let mut items = self.0.lock();
        *items = None;
        self.0.pending.send_modify(|pending| *pending = 0);
    }
}

/// Deletes what it can, all at once; returns what is to be tried again.
async fn clean(client: &Client, items: Vec<Item>) -> Vec<Item> {
    let begun: Vec<_> = items
        .into_iter()
        .map(|item| match &item {
            Item::Delete { path } => {
                let deleted = client.delete(path).send();
                (item, Begun::Deleting(deleted))
            }
            Item::FindAndDelete { parent, .. } => {
                // After a reconnect another server may not show the node yet (sync waits for it).
                let synced = client.sync(parent).send();
                let listed = client.children(parent).send();
                (item, Begun::Looking(synced, listed))
            }
        })
        .collect();
    let mut again = Vec::new();
    for (item, begun) in begun {
        let outcome = match begun {
            Begun::Deleting(deleted) => deleted.await,
            Begun::Looking(synced, listed) => match synced.await {
                Ok(()) => delete_found(client, &item, listed.await).await,
                Err(error) => Err(error),
            },
        };
        if let Err(error) = outcome
            && !is_done(&error, &item)
        {
            again.push(item);
        }
    }
    again
}

enum Begun {
    Deleting(Reply<()>),
    Looking(Reply<()>, Reply<Vec<ByteString>>),
}

async fn delete_found(
    client: &Client,
    item: &Item,
    listed: Result<Vec<ByteString>, Error>,
) -> Result<(), Error> {
    let Item::FindAndDelete { parent, prefix } = item else {
        return Ok(());
    };
    match listed?.iter().find(|name| name.starts_with(prefix.as_str())) {
        Some(name) => client.delete(&join(parent, name)).await,
        None => Ok(()),
    }
}

/// Whether to try again would be of no use.
fn is_done(error: &Error, item: &Item) -> bool {
    match error.code() {
        Some(ErrorCode::NoNode) => true,
        Some(ErrorCode::ThrottledOp) => false,
        Some(code) => {
            tracing::warn!(?item, %code, "cannot delete a node; it stays until the session ends");
            true
        }
        None => error.is_session_over(),
    }
}

impl Todo {
    fn has_items(&self) -> bool {
        self.lock().as_ref().is_some_and(|items| !items.is_empty())
    }

    fn take_all(&self) -> Vec<Item> {
        self.lock().as_mut().map(|items| items.drain(..).collect()).unwrap_or_default()
    }

    /// What was taken and is not among the failed counts as done.
    fn put_back(&self, failed: Vec<Item>) {
        if let Some(items) = self.lock().as_mut() {
            for item in failed.into_iter().rev() {
                items.push_front(item);
            }
            self.pending.send_modify(|pending| *pending = items.len());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<VecDeque<Item>>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

//! Deletes the nodes that nobody waits for any more: of dropped values and dropped futures, and
//! those whose deletion must not be given up; and the clean-up that takes more than a deletion.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use zk_proto::path::join;
use zk_proto::{ByteString, ErrorCode, Version};

use super::{Client, WeakClient};
use crate::chroot::Chroot;
use crate::error::Error;
use crate::reply::Reply;
use crate::state::{Generation, SessionState};

/// The background task of a session that finishes clean-up which nobody waits for. There is one
/// for each session; it starts when it is first needed.
///
/// It works on until each node is gone or the client has ended: an expired session that is followed
/// by a new one does not stop it. What it was given through a handle that is
/// [bound to a session](Client::bound_to_session) is forgotten with that session, of which no
/// ephemeral node is left then. It does not keep the session open.
#[derive(Clone, Debug)]
pub struct Janitor {
    todo: Arc<Todo>,
    chroot: Chroot,
    /// The only generation that it is for.
    bound: Option<Generation>,
}

/// What is left to do. Each entry is a node that exists, or may exist, on the server.
#[derive(Debug)]
pub(super) struct Todo {
    /// `None` once the task has ended: the session is over, or its runtime is.
    items: Mutex<Option<VecDeque<Item>>>,
    added: Notify,
    /// Those in `items`, and those being worked on. Changed under the lock of `items`.
    pending: watch::Sender<usize>,
}

/// A node to be deleted, by paths of the server, or what else there is to be done.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Its path is known.
    /// Bound to a generation, it is of no concern in the next one.
    Delete { path: ByteString, version: Version, bound: Option<Generation> },
    /// It may or may not have been created; its name would start so.
    FindAndDelete { parent: ByteString, prefix: String },
    /// Several steps, through a handle that sees what the one saw that they were given through.
    Errand { run: Errand, chroot: Chroot, bound: Option<Generation> },
}

/// Steps that can be begun anew.
#[derive(Clone)]
pub(super) struct Errand(Arc<dyn Fn(Client) -> ErrandRun + Send + Sync>);

type ErrandRun = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Errand")
    }
}

impl Janitor {
    /// The janitor of a client's session.
    #[must_use]
    pub fn of(client: &Client) -> Self {
        let todo = client.handle.janitor.get_or_init(|| {
            let todo = Arc::new(Todo {
                items: Mutex::new(Some(VecDeque::new())),
                added: Notify::new(),
                pending: watch::Sender::new(0),
            });
            let weak = client.whole().downgrade();
            // Made here, as a runtime that shuts down drops the task before it has begun.
            let forget = ForgetOnDrop(Arc::clone(&todo));
            client.handle.runtime.spawn(run(weak, client.state(), forget));
            todo
        });
        Self { todo: Arc::clone(todo), chroot: client.chroot.clone(), bound: client.bound }
    }

    /// How many nodes wait to be deleted, and errands to be done.
    #[must_use]
    pub fn pending(&self) -> usize {
        *self.todo.pending.borrow()
    }

    /// Waits until nothing is left to do. There is no deadline: without a connection this
    /// waits for one, and no longer than the session lives.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn drain(&self) {
        let mut pending = self.todo.pending.subscribe();
        // The sender lives in `self`.
        let _ = pending.wait_for(|pending| *pending == 0).await;
    }

    /// Deletes a node in the background, whatever its version. Never blocks, so that a `Drop` may
    /// call it, on any thread.
    ///
    /// Meant for nodes with unique names: the delete is repeated until its outcome is known, and
    /// would hit a node that somebody else has created anew in the meantime.
    ///
    /// # Errors
    /// [`Error::BadPath`]; [`Error::TooManyRequests`] when 100,000 nodes wait already.
    pub fn delete(&self, path: &str) -> Result<(), Error> {
        let path = self.chroot.outward(path)?;
        self.take_over(Item::Delete { path, version: Version::ANY, bound: self.bound })
    }

    /// Does in the background what takes several steps. Never blocks, so that a `Drop` may call it,
    /// on any thread.
    ///
    /// The errand gets a handle like the one that this janitor is [of](Self::of), and is begun anew,
    /// after a pause, until it succeeds, or fails with what another attempt would not change: a
    /// refusal of the server, or the end of the session. So it must be one that can be done twice:
    /// after [`Error::outcome_unknown`] a part of it may have been carried out.
    ///
    /// Errands of a session run one after the other, and deletions wait for them: one must end. It
    /// counts in [`pending`](Self::pending) until then. What it owns is dropped with it, so a
    /// `Client` in it keeps the session open for as long.
    ///
    /// ```no_run
    /// # use zk_client::{Client, Janitor, Version};
    /// # fn give_back(client: &Client) -> Result<(), zk_client::Error> {
    /// // The item and the mark on it go together, or not at all.
    /// Janitor::of(client).errand(|client| async move {
    ///     let both = client.multi().delete("/marks/7", Version::ANY).delete("/items/7", Version::ANY);
    ///     both.commit().await.map(|_| ())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] when 100,000 nodes and errands wait already.
    pub fn errand<F, R>(&self, errand: F) -> Result<(), Error>
    where
        F: Fn(Client) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let run = Errand(Arc::new(move |client| Box::pin(errand(client))));
        let (chroot, bound) = (self.chroot.clone(), self.bound);
        self.take_over(Item::Errand { run, chroot, bound })
    }

    /// Takes over a node or an errand. Never blocks, and works without a runtime.
    fn take_over(&self, item: Item) -> Result<(), Error> {
        if let Some(items) = self.todo.lock().as_mut() {
            if items.len() >= MOST_ITEMS {
                return Err(Error::TooManyRequests);
            }
            items.push_back(item);
            self.todo.pending.send_modify(|pending| *pending += 1);
        }
        self.todo.added.notify_one();
        Ok(())
    }
}

/// Leaves a node to the janitor when it is dropped, unless it was taken back.
#[derive(Debug)]
pub(super) struct HandOver {
    janitor: Janitor,
    item: Option<Item>,
}

impl HandOver {
    pub(super) const fn new(janitor: Janitor, item: Item) -> Self {
        Self { janitor, item: Some(item) }
    }

    pub(super) fn take_back(&mut self) {
        self.item = None;
    }
}

impl Drop for HandOver {
    fn drop(&mut self) {
        if let Some(item) = self.item.take()
            && let Err(error) = self.janitor.take_over(item)
        {
            tracing::warn!(%error, "a node is not cleaned up");
        }
    }
}

async fn run(client: WeakClient, mut state: watch::Receiver<SessionState>, todo: ForgetOnDrop) {
    let todo = &todo.0;
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::select! {
            () = todo.added.notified() => {}
            // Nothing can be deleted any more when the session is over.
            _ = state.wait_for(SessionState::is_over) => return,
        }
        while todo.has_items() {
            let Some(client) = client.upgrade() else {
                return;
            };
            let failed = clean(&client, todo.take_some()).await;
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
            Item::Delete { path, version, bound } => {
                let client = Client { bound: *bound, ..client.clone() };
                let deleted = client.delete(path).version(*version).send();
                (item, Begun::Deleting(deleted))
            }
            Item::FindAndDelete { parent, .. } => {
                // After a reconnect another server may not show the node yet (sync waits for it).
                let synced = client.sync(parent).send();
                let listed = client.children(parent).send();
                (item, Begun::Looking(synced, listed))
            }
            Item::Errand { run, chroot, bound } => {
                let client = Client { chroot: chroot.clone(), bound: *bound, ..client.clone() };
                let run = run.clone();
                (item, Begun::Errand(run, client))
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
            Begun::Errand(Errand(run), client) => run(client).await,
        };
        if let Err(error) = outcome
            && !is_done(client, &error, &item)
        {
            again.push(item);
        }
    }
    again
}

enum Begun {
    Deleting(Reply<()>),
    Looking(Reply<()>, Reply<Vec<ByteString>>),
    /// Not begun in fact: errands come one after the other.
    Errand(Errand, Client),
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
fn is_done(client: &Client, error: &Error, item: &Item) -> bool {
    let bound = match item {
        Item::Delete { bound, .. } | Item::Errand { bound, .. } => *bound,
        Item::FindAndDelete { .. } => None,
    };
    if (Client { bound, ..client.clone() }).will_have_another_session(error) {
        return false;
    }
    match error.code() {
        // A node of another version is not the one that was meant.
        Some(ErrorCode::NoNode | ErrorCode::BadVersion) => true,
        Some(ErrorCode::ThrottledOp) => false,
        Some(code) => {
            tracing::warn!(?item, %code, "cannot clean up");
            true
        }
        None => error.is_session_over(),
    }
}

impl Todo {
    fn has_items(&self) -> bool {
        self.lock().as_ref().is_some_and(|items| !items.is_empty())
    }

    fn take_some(&self) -> Vec<Item> {
        let mut items = self.lock();
        let some = |items: &mut VecDeque<Item>| items.drain(..items.len().min(AT_ONCE)).collect();
        items.as_mut().map(some).unwrap_or_default()
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
/// Deletes that are sent together.
const AT_ONCE: usize = 1000;
/// A session that cannot delete for long stops collecting.
const MOST_ITEMS: usize = 100_000;

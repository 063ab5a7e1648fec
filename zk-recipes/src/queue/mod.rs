//! A queue: what is put is put once, and is delivered until somebody is done with it.
//!
//! ```no_run
//! use zk_client::Client;
//! use zk_recipes::{Json, queue::Queue};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("localhost:2181").await?;
//! let queue = Queue::<String, _>::new(&client, "/mails", Json)?.max_attempts(5);
//! queue.put(&"to ada".to_owned()).await?;
//!
//! let delivery = queue.take().await?;
//! println!("{} for the {}. time", delivery.item(), delivery.attempts());
//! delivery.ack().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//! | node | mode | what it is |
//! |---|---|---|
//! | `<path>/items/_c_<uuid>-queue-<marks><sequence>` | persistent | an item; its data is the codec's, whole |
//! | `<path>/claims/<name of the item>` | ephemeral | somebody has it |
//! | `<path>/claims/_w_<uuid>` | ephemeral | the witness of that claim |
//! | `<path>/claims/_t_<uuid of the item>` | persistent | its version counts deliveries, from 0 |
//! | `<path>/consumers/_c_<uuid>-lock-<sequence>` | ephemeral | a consumer in line, named as Curator's mutex |
//! | `<path>/producers/_p_<uuid>` | ephemeral | the ticket of a producer; its version counts puts |
//! | `<path>/producers/_c_<uuid>-lock-<sequence>` | ephemeral | a producer that waits for room |
//! | `<path>/slots/<number>` | persistent | a place in a bounded queue that is taken |
//! | `<path>/dead/<name of the item>` | persistent | a dead letter, with the data of the item; its child `why` says why |
//!
//! The marks, each only where it is needed, are `#<slot>#`, then `|<due>|`, milliseconds since 1970 in at
//! least eight upper-case hexadecimal digits as Curator's `DistributedDelayQueue` writes them, then the
//! priority as Curator's `DistributedPriorityQueue` writes it: `1`, or `0` if it is negative, and the 32
//! bits in hexadecimal. So what a queue has to know of an item is in names and versions, and giving an
//! item back does not write its data again. Names that are written otherwise are passed over: a later
//! layout will have other names. Parents are containers.
//!
//! # Costs
//! A put is one round trip, with two operations (the ticket and the item) in one transaction; the first
//! one of a handle also makes the ticket, in the same round trip. With [`Queue::max_items`] there is one
//! operation more, and a look at the taken places when the first guess is not free. A take that finds an
//! item is three round trips: a place in line, the two listings, and the claim, which also leaves the line
//! and reads the item. One that waited needs the last two. An ack or a nack is one round trip.
//!
//! A put wakes one consumer, the first in line, by one event; taking an item wakes the next one. The
//! first in line also looks again after each ack and nack of others, as only the list of claims tells
//! what was given back. Each look lists all items, so that a queue of many thousands is slow, and one of
//! more names than a reply can hold, about 15,000 in a MiB, stops; put a bound on it.
//!
//! # Guarantees
//! * **Put once.** A put that is sent again after a lost reply is carried out once, also when the item was
//!   taken meanwhile: it sets the ticket, which has a version. When the session ends before that is known
//!   the error is [`outcome_unknown`](RecipeError::outcome_unknown).
//! * **Delivered at least once, to one at a time.** At most one consumer whose session is alive has an item.
//!   A consumer that has lost it can neither acknowledge it nor give it back, and what it writes by
//!   [`Held::multi`](crate::Held::multi) is refused. What an item makes happen elsewhere may happen twice.
//! * **Acknowledged once.** An ack says so only if it was the one that deleted the item.
//! * **In order.** Items are claimed in the order of their sequence numbers; near the end of the counter by
//!   the transactions that made them, which costs a request for each. Consumers work at once, so that a
//!   second item may be done with before the first, and one that is given back comes again in between.
//! * **Never lost.** What cannot be decoded, and with [`Queue::max_attempts`] what was delivered too often,
//!   becomes a dead letter. What cannot even be moved, as it is too large to be read or the ACL forbids it, is
//!   passed over by each take, and stays.
//!
//! # What happens when
//! * **A consumer dies**, or its session expires: its claim goes with the session, and the next consumer gets
//!   the item; that counts as a delivery.
//! * **The connection is lost**: who waits waits on. The [`Delivery`] is suspended as every guard is.
//! * **The session expires** while a take or a put waits: with
//!   [`ExpiryPolicy::NewSession`](zk_client::ExpiryPolicy::NewSession) it goes on in the new one, at the end
//!   of the line.
//! * **A future is dropped**: a take leaves the line, or gives back in the background what it has claimed. A put
//!   may be carried out or not, and never twice; it is not taken back, as somebody may have the item already.
//! * **Somebody deletes nodes by hand**: without its witness a delivery is lost. To delete a claim but not its
//!   witness lets two have the item.
//! * **A container goes**, as it was empty for a while: whoever needs it makes it again (CURATOR-308).

mod choosing;
mod claim;
mod clock;
mod consuming;
mod core;
mod dead_letters;
mod delay;
mod deliveries;
mod delivery;
mod ending;
mod item_name;
mod options;
mod priority;
mod producing;
mod putting;
mod removing;
mod room;
mod taking;
mod ticket;

pub use dead_letters::DeadLetter;
pub use delay::DelayQueue;
pub use deliveries::Deliveries;
pub use delivery::{Delivery, Returned};
pub use item_name::{ItemId, NotAnItemId};
pub use priority::PriorityQueue;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use zk_client::Client;

use self::core::Core;
use crate::codec::Codec;
use crate::error::RecipeError;
use crate::recipe_path;

/// A queue at a path, first in first out. Cheap to clone; see the [module](self) for how it works.
///
/// [`by_priority`](Self::by_priority) and [`by_due_time`](Self::by_due_time) make queues of other orders.
/// All who use a path must agree on the order and the codec.
#[doc(alias = "DistributedQueue")]
#[doc(alias = "LockingQueue")]
pub struct Queue<T, C> {
    core: Arc<Core>,
    codec: Arc<C>,
    values: PhantomData<fn(T) -> T>,
}

impl<T, C: Codec<T>> Queue<T, C> {
    /// The queue at a path. Nothing is sent yet; nodes are made when they are needed.
    ///
    /// # Errors
    /// [`zk_client::Error::BadPath`] when the path breaks a rule.
    pub fn new(client: &Client, path: &str, codec: C) -> Result<Self, RecipeError> {
        let core = Arc::new(Core::new(client, recipe_path::checked(path)?));
        Ok(Self { core, codec: Arc::new(codec), values: PhantomData })
    }

    /// How many items there are, those included that somebody has and those whose time has not come, as
    /// the server that is asked knows it.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn len(&self) -> Result<usize, RecipeError> {
        let stat = self.core.client.exists(&self.core.items).await?;
        Ok(stat.map_or(0, |stat| usize::try_from(stat.num_children).unwrap_or_default()))
    }

    /// Whether there are no items; see [`len`](Self::len).
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn is_empty(&self) -> Result<bool, RecipeError> {
        Ok(self.len().await? == 0)
    }

    /// Deletes an item, if it is there and nobody has it; tells whether it was there. Four round trips: it
    /// is claimed first.
    ///
    /// # Errors
    /// [`RecipeError::Contended`] when somebody has the item, and those of [`Delivery::ack`].
    ///
    /// # Cancel safety
    /// The item is removed, or there as before.
    pub async fn remove(&self, id: &ItemId) -> Result<bool, RecipeError> {
        self.core.remove(*id).await
    }

    /// The items that nobody takes any more, in the order in which they became that.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn dead_letters(&self) -> Result<Vec<DeadLetter>, RecipeError> {
        self.core.dead_letters().await
    }

    /// Deletes a dead letter; tells whether it was there.
    ///
    /// # Errors
    /// The client's.
    ///
    /// # Cancel safety
    /// It may have been deleted or not.
    pub async fn discard(&self, letter: &DeadLetter) -> Result<bool, RecipeError> {
        Ok(self.core.discard(letter).await?)
    }

    /// The path the queue was made with.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.core.path
    }
}

impl<T, C> Clone for Queue<T, C> {
    fn clone(&self) -> Self {
        let (core, codec) = (Arc::clone(&self.core), Arc::clone(&self.codec));
        Self { core, codec, values: PhantomData }
    }
}

impl<T, C> fmt::Debug for Queue<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("path", &self.core.path).finish_non_exhaustive()
    }
}

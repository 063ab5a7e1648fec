//! What makes a put happen once.
//!
//! A put that is sent again because its reply was lost must not be carried out twice. To look for the
//! item does not help: it may have been put, taken and acknowledged meanwhile. So each put also sets
//! an ephemeral node of the producer's, if it has the version that it is known to have: of a put that
//! is sent any number of times at most one is carried out, and the next one says so.

use std::sync::{Mutex, PoisonError};

use uuid::Uuid;
use zk_client::path::join;
use zk_client::{Client, CreateMode, Created, ErrorCode, Reply, Version, Zxid};

use super::core::Core;
use crate::contender::own_node::OwnNode;

/// The tickets of a queue that no put uses just now.
#[derive(Debug, Default)]
pub(super) struct Tickets(Mutex<Vec<Ticket>>);

/// An ephemeral node whose version is the number of puts that were made with it. Dropping it leaves it
/// to the janitor.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) client: Client,
    node: OwnNode,
    version: i32,
    /// Otherwise it is made with the first put, in the same round trip.
    is_made: bool,
}

impl Tickets {
    /// One of the present session.
    pub(super) fn get(&self, core: &Core) -> Ticket {
        let client = core.client.bound_to_session();
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ticket) = idle.pop() {
            if ticket.client.generation() == client.generation() {
                return ticket;
            }
        }
        drop(idle);
        let path = join(&core.producers, &format!("_p_{}", Uuid::new_v4()));
        let node = OwnNode::new(&client, path, Zxid(0));
        Ticket { client, node, version: 0, is_made: false }
    }

    /// Takes back one that is certain to be as it says.
    pub(super) fn put_back(&self, ticket: Ticket) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE && ticket.version < MOST_USES {
            idle.push(ticket);
        }
    }
}

impl Ticket {
    pub(super) fn path(&self) -> &str {
        self.node.path()
    }

    /// The version before the put that is to be made with it.
    pub(super) const fn version(&self) -> Version {
        Version(self.version)
    }

    /// A put was carried out.
    pub(super) const fn used(&mut self) {
        self.version += 1;
    }

    /// Sends for the node unless it is there.
    pub(super) fn make(&self, core: &Core) -> Option<Reply<Created>> {
        let create = || {
            let create = self.client.create(self.path(), "").mode(CreateMode::Ephemeral);
            create.acl(core.acl.clone()).send()
        };
        (!self.is_made).then(create)
    }

    /// What became of that: `NoNode` when its parent is missing.
    pub(super) fn made(&mut self, reply: &Result<Created, zk_client::Error>) -> Made {
        match reply.as_ref().map_err(zk_client::Error::code) {
            // Its name is nobody else's.
            Ok(_) | Err(Some(ErrorCode::NodeExists)) => {
                self.is_made = true;
                Made::Yes
            }
            Err(Some(ErrorCode::NoNode)) => Made::WithoutParent,
            Err(_) => Made::No,
        }
    }
}

/// Whether there is the node of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Yes,
    /// The error tells.
    No,
    WithoutParent,
}

/// Puts under way at once are seldom more.
const MOST_IDLE: usize = 16;
/// Far from the version that would mean any.
const MOST_USES: i32 = 1 << 30;

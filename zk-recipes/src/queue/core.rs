//! What all parts of a queue need: where its nodes are, and what was set.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use zk_client::path::join;
use zk_client::{Acl, ByteString, Client, Error, ErrorCode};

use super::choosing::{Order, Survey, put_in_order, survey};
use super::clock::{Clock, Millis};
use super::item_name::{ItemId, ItemName};
use super::ticket::Tickets;
use crate::contender::in_line::InLine;
use crate::contender::own_node::NodeSpec;
use crate::dialect::{Dialect, Parents};
use crate::error::RecipeError;
use crate::held::SuspendPolicy;
use crate::lock;
use crate::parent;

/// A queue without its codec.
#[derive(Clone, Debug)]
pub(super) struct Core {
    pub(super) client: Client,
    pub(super) path: String,
    pub(super) items: String,
    pub(super) claims: String,
    pub(super) dead: String,
    pub(super) slots: String,
    pub(super) producers: String,
    consumers: String,
    pub(super) acl: Vec<Acl>,
    pub(super) order: Order,
    pub(super) max_items: Option<u32>,
    pub(super) max_attempts: Option<u32>,
    pub(super) policy: SuspendPolicy,
    pub(super) clock: Clock,
    pub(super) tickets: Arc<Tickets>,
}

impl Core {
    pub(super) fn new(client: &Client, path: String) -> Self {
        Self {
            client: client.clone(),
            items: join(&path, "items"),
            claims: join(&path, "claims"),
            dead: join(&path, "dead"),
            slots: join(&path, "slots"),
            producers: join(&path, "producers"),
            consumers: join(&path, "consumers"),
            path,
            acl: Acl::open(),
            order: Order::default(),
            max_items: None,
            max_attempts: None,
            policy: SuspendPolicy::default(),
            clock: Clock::default(),
            tickets: Arc::default(),
        }
    }

    /// Waits in the line of consumers until it is our turn.
    pub(super) async fn line_of_consumers(&self) -> Result<InLine, RecipeError> {
        self.stand_in_line(&self.consumers).await
    }

    /// Waits in the line of producers that a full queue has until it is our turn.
    pub(super) async fn line_of_producers(&self) -> Result<InLine, RecipeError> {
        self.stand_in_line(&self.producers).await
    }

    async fn stand_in_line(&self, parent: &str) -> Result<InLine, RecipeError> {
        let rule = lock::rule(Dialect::Curator);
        let mut spec = NodeSpec::new(parent.to_owned(), Dialect::Curator, rule.own.clone());
        spec.acl.clone_from(&self.acl);
        let mut line = InLine::enter(&self.client, &spec, rule).await?;
        line.turn().await?;
        Ok(line)
    }

    /// Makes a node that others are children of, if it is not there: a container, which the server
    /// removes when it has been empty for a while (CURATOR-308).
    pub(super) async fn ensure(&self, client: &Client, path: &str) -> Result<(), RecipeError> {
        parent::make(client, path, Parents::Container, &self.acl).await
    }

    /// What can be taken, of what was listed, in its order.
    pub(super) async fn survey(
        &self,
        client: &Client,
        items: &[ByteString],
        claims: &[ByteString],
        passed_over: &BTreeSet<ItemId>,
    ) -> Result<Survey, RecipeError> {
        let mut found = survey(
            items.iter().map(|name| &**name),
            claims.iter().map(|name| &**name),
            self.clock.now(),
        );
        found.ready.retain(|candidate| !passed_over.contains(&candidate.name.id));
        self.ask_for_czxids(client, &mut found).await?;
        put_in_order(&mut found.ready, self.order);
        Ok(found)
    }

    /// Near the end of the counter only the transactions tell the order: a request for each item.
    async fn ask_for_czxids(&self, client: &Client, found: &mut Survey) -> Result<(), RecipeError> {
        for some in found.ready.chunks_mut(ASKED_AT_ONCE) {
            let asked: Vec<_> = some
                .iter_mut()
                .filter(|candidate| candidate.needs_czxid())
                .map(|candidate| {
                    let reply = client.exists(&self.item(&candidate.name)).send();
                    (candidate, reply)
                })
                .collect();
            for (candidate, reply) in asked {
                candidate.czxid = reply.await?.map(|stat| stat.czxid);
            }
        }
        // Those that are gone have none.
        found.ready.retain(|candidate| !candidate.needs_czxid());
        Ok(())
    }

    /// The name that an item has now, `None` if it is not there.
    pub(super) async fn find(
        &self,
        client: &Client,
        id: ItemId,
    ) -> Result<Option<ItemName>, RecipeError> {
        let synced = client.sync(&self.path).send();
        let listed = client.children(&self.items).send();
        synced.await?;
        let names = none_without_parent(listed.await)?;
        Ok(names.iter().filter_map(|name| ItemName::parse(name)).find(|name| name.id == id))
    }

    /// When an item is due whose producer says nothing of that.
    pub(super) fn due_by_default(&self) -> Option<Millis> {
        match self.order {
            Order::Due => Some(self.clock.after(Duration::ZERO)),
            Order::Fifo | Order::Priority => None,
        }
    }

    pub(super) fn item(&self, name: &ItemName) -> String {
        join(&self.items, &name.to_string())
    }

    pub(super) fn slot(&self, number: u32) -> String {
        join(&self.slots, &number.to_string())
    }
}

/// A parent that is missing has no children.
pub(super) fn none_without_parent(
    listed: Result<Vec<ByteString>, Error>,
) -> Result<Vec<ByteString>, Error> {
    match listed {
        Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(Vec::new()),
        listed => listed,
    }
}

/// Whether the same may succeed with another connection.
pub(super) const fn is_passing(error: &Error) -> bool {
    error.outcome_unknown() || error.is_retriable()
}

/// Requests that are under way together.
const ASKED_AT_ONCE: usize = 100;

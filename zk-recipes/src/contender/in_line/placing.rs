//! Finding one's place, and telling it.

use zk_client::ByteString;
use zk_client::path::join;

use super::super::listing;
use super::super::order::{Place, parse, place, place_by_czxid};
use super::{Ahead, InLine};
use crate::dialect::Kind;
use crate::error::RecipeError;
use crate::held::LostReason;

impl InLine {
    pub(super) async fn find_place(
        &self,
        children: &[ByteString],
    ) -> Result<Option<Ahead>, RecipeError> {
        let names = children.iter().map(|name| &**name);
        let found = match place(names, self.node.name(), &self.rule) {
            Place::Undecidable => self.place_by_czxid(children).await?,
            place => Found::from(place),
        };
        match found {
            Found::First => Ok(None),
            Found::Behind(ahead) => Ok(Some(ahead)),
            Found::Gone => Err(RecipeError::Lost(LostReason::NodeDeleted)),
        }
    }

    /// Asks the server which transactions have created the contenders: a request for each.
    async fn place_by_czxid(&self, children: &[ByteString]) -> Result<Found, RecipeError> {
        tracing::warn!(
            parent = self.node.parent(),
            "the sequence numbers are at their end: delete the parent when nobody uses it"
        );
        let kinds: Vec<Kind> = self.rule.blocking.iter().chain([&self.rule.own]).cloned().collect();
        let contenders: Vec<_> =
            children.iter().filter(|name| parse(name, &kinds).is_some()).collect();
        let mut nodes = Vec::with_capacity(contenders.len());
        for some in contenders.chunks(ASKED_AT_ONCE) {
            let asked: Vec<_> = some
                .iter()
                .map(|name| self.client.exists(&join(self.node.parent(), name)).send())
                .collect();
            for (name, reply) in some.iter().zip(asked) {
                if let Some(stat) = reply.await? {
                    nodes.push((&***name, stat.czxid));
                }
            }
        }
        let own = (self.node.name(), self.node.czxid);
        Ok(Found::from(place_by_czxid(nodes, own, &self.rule)))
    }

    /// How many are in our way, as the server that is asked knows it.
    pub(crate) async fn position(&self) -> Result<usize, RecipeError> {
        let kinds: Vec<Kind> = self.rule.blocking.iter().chain([&self.rule.own]).cloned().collect();
        let contenders = listing::contenders(&self.client, self.node.parent(), &kinds).await?;
        let ahead = contenders.iter().take_while(|contender| contender.path != self.node.path());
        let ahead: Vec<_> = ahead.collect();
        if ahead.len() == contenders.len() {
            return Err(RecipeError::Lost(LostReason::NodeDeleted));
        }
        let blocks = |name: &str| parse(name, &self.rule.blocking).is_some();
        Ok(ahead.iter().filter(|contender| blocks(contender.name())).count())
    }
}

/// A [`Place`] that borrows nothing.
enum Found {
    First,
    Behind(Ahead),
    Gone,
}

impl From<Place<'_>> for Found {
    fn from(place: Place<'_>) -> Self {
        match place {
            Place::First => Self::First,
            Place::Behind { ahead, alone } => Self::Behind(Ahead { name: ahead.to_owned(), alone }),
            // Numbers are asked for once: transactions always tell.
            Place::Gone | Place::Undecidable => Self::Gone,
        }
    }
}

/// Requests that are under way together.
const ASKED_AT_ONCE: usize = 100;

//! Who holds and who waits.

use std::fmt;

use bytes::Bytes;
use zk_client::path::name;
use zk_client::{ByteString, Client, ErrorCode, SessionId};

use super::order::{in_order, sequence_of};
use crate::dialect::Kind;
use crate::error::RecipeError;
use crate::held::FencingToken;

/// Somebody who holds or waits, as the server knows it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contender {
    /// The path of its node.
    pub path: String,
    /// The number at the end of its name, which tells its place.
    pub sequence: i32,
    /// What it says of itself; may be empty.
    pub data: Bytes,
    /// The session that owns it; none for a node that outlives its session.
    pub session: SessionId,
    /// The token that it has, or will have when it is its turn.
    pub token: FencingToken,
}

/// Does not show the data.
impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender")
            .field("path", &self.path)
            .field("session", &self.session)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

impl Contender {
    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        name(&self.path)
    }
}

/// The names of the contenders of these kinds, the first one first. None where there is no parent.
pub(crate) async fn names(
    client: &Client,
    parent: &str,
    kinds: &[Kind],
) -> Result<Vec<String>, RecipeError> {
    let children = children(client, parent).await?;
    let names = children.iter().map(|name| &**name);
    Ok(in_order(names, kinds).into_iter().map(str::to_owned).collect())
}

/// The contenders of these kinds, the first one first. Those who leave meanwhile are left out.
pub(crate) async fn contenders(
    client: &Client,
    parent: &str,
    kinds: &[Kind],
) -> Result<Vec<Contender>, RecipeError> {
    let listed = match client.children_with_data(parent).await {
        Err(error) if error.code() == Some(ErrorCode::NoNode) => return Ok(Vec::new()),
        listed => listed?,
    };
    let mut contenders: Vec<_> = listed
        .into_iter()
        .filter_map(|child| {
            let sequence = kinds.iter().find_map(|kind| sequence_of(&child.name, kind))?;
            Some(Contender {
                path: zk_client::path::join(parent, &child.name),
                sequence,
                data: child.data,
                session: child.stat.ephemeral_owner,
                token: FencingToken::of(child.stat.czxid),
            })
        })
        .collect();
    contenders
        .sort_by_key(|contender| super::order::key(contender.sequence, contender.token.czxid()));
    Ok(contenders)
}

/// The children of a node, none where there is no such node.
pub(crate) async fn children(
    client: &Client,
    parent: &str,
) -> Result<Vec<ByteString>, RecipeError> {
    match client.children(parent).await {
        Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(Vec::new()),
        listed => Ok(listed?),
    }
}

//! Parents of nodes that no client call makes along with them: those of a multi.

use zk_client::{Acl, Client, CreateMode, Error, ErrorCode};

use crate::dialect::Parents;
use crate::error::RecipeError;
use crate::retry::until_settled;

/// Makes a node that is to have children, with this ACL, unless it is there; and those above it, if
/// they are not required to be there.
///
/// # Cancel safety
/// A dropped future may leave the node, which is nobody's.
pub(crate) async fn make(
    client: &Client,
    path: &str,
    parents: Parents,
    acl: &[Acl],
) -> Result<(), RecipeError> {
    let mode = match parents {
        Parents::Persistent => CreateMode::Persistent,
        Parents::Container | Parents::Required => CreateMode::Container,
    };
    until_settled(client, |_| async move {
        match make_once(client, path, mode, parents, acl).await {
            // Before 3.5.1 there are no containers.
            Err(error) if error.code() == Some(ErrorCode::Unimplemented) => {
                make_once(client, path, CreateMode::Persistent, parents, acl).await
            }
            made => made,
        }
    })
    .await
}

async fn make_once(
    client: &Client,
    path: &str,
    mode: CreateMode,
    parents: Parents,
    acl: &[Acl],
) -> Result<(), Error> {
    let create = client.create(path, "").mode(mode).acl(acl.to_vec());
    let made = match parents {
        Parents::Container => create.with_container_parents().await,
        Parents::Persistent => create.with_parents().await,
        Parents::Required => create.await,
    };
    match made {
        Err(error) if error.code() == Some(ErrorCode::NodeExists) => Ok(()),
        made => made.map(|_| ()),
    }
}

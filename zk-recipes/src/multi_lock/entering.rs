//! Taking the places: one multi, whatever becomes of its reply.

use tokio::sync::watch;
use zk_client::path::{join, name};
use zk_client::{
    ByteString, Client, CreateMode, Error, ErrorCode, MultiOutcome, SessionState, Zxid,
};

use super::MultiLock;
use crate::contender::in_doubt::InDoubt;
use crate::error::RecipeError;
use crate::held::LostReason;
use crate::retry::breathe;

/// Nodes that were created, and what stands beside each.
pub(super) struct Created {
    pub(super) nodes: Vec<String>,
    pub(super) czxid: Zxid,
    pub(super) children: Vec<Vec<ByteString>>,
    /// Marked as seen before the children were asked for.
    pub(super) state: watch::Receiver<SessionState>,
}

/// Creates the nodes, and lists what stands beside them in the same round trip.
pub(super) async fn create(
    lock: &MultiLock,
    client: &Client,
    prefix: &str,
) -> Result<Created, RecipeError> {
    let spec = &lock.spec;
    let state = client.state();
    let mut multi = client.multi();
    for path in &lock.paths {
        let path = join(path, &format!("{prefix}{}", spec.kind));
        let mode = CreateMode::EphemeralSequential;
        multi = multi.create_with(&path, spec.data.clone(), mode, spec.acl.clone());
    }
    let created = multi.commit();
    let listed: Vec<_> = lock.paths.iter().map(|path| client.children(path).send()).collect();
    let outcomes = created.await?;
    let mut children = Vec::with_capacity(listed.len());
    for listed in listed {
        // A listing that fails, or that is older than our nodes, is asked for again below.
        children.push(listed.await.unwrap_or_default());
    }
    let made: Option<Vec<_>> = outcomes
        .iter()
        .map(|outcome| match outcome {
            MultiOutcome::Created { path, stat } => Some((path.to_string(), stat.map(|s| s.czxid))),
            _ => None,
        })
        .collect();
    let is_seen = |made: &[(String, Option<Zxid>)]| {
        let mut both = made.iter().zip(&children);
        both.all(|((node, _), children)| children.iter().any(|child| **child == *name(node)))
    };
    match made {
        // Servers before 3.8.2 leave out the czxid.
        Some(made)
            if is_seen(&made)
                && let Some(&(_, Some(czxid))) = made.first() =>
        {
            let nodes = made.iter().map(|(path, _)| path.clone()).collect();
            Ok(Created { nodes, czxid, children, state })
        }
        // Created for sure, if not deleted since.
        _ => match find(client, prefix, &lock.paths).await? {
            Some(created) => Ok(created),
            None => Err(RecipeError::Lost(LostReason::NodeDeleted)),
        },
    }
}

/// Looks for the nodes by what is unique in their names; `None` if there are none. Only after `sync` is
/// a server sure to show what another one has committed.
pub(super) async fn find(
    client: &Client,
    prefix: &str,
    paths: &[String],
) -> Result<Option<Created>, RecipeError> {
    loop {
        client.connected().await?;
        match find_once(client, prefix, paths).await {
            Err(RecipeError::Client(error)) if error.outcome_unknown() || error.is_retriable() => {
                breathe(client).await?;
            }
            found => return found,
        }
    }
}

async fn find_once(
    client: &Client,
    prefix: &str,
    paths: &[String],
) -> Result<Option<Created>, RecipeError> {
    let state = client.state();
    let children = listed(client, paths).await?;
    let nodes: Vec<_> = ours(prefix, paths, &children).collect();
    let Some(first) = nodes.first() else { return Ok(None) };
    let stat = if nodes.len() == paths.len() { client.exists(first).await? } else { None };
    match stat {
        Some(stat) => Ok(Some(Created { nodes, czxid: stat.czxid, children, state })),
        // All are created at once: somebody has deleted one.
        None => Err(RecipeError::Lost(LostReason::NodeDeleted)),
    }
}

/// What is at each path, nothing where it is missing.
async fn listed(client: &Client, paths: &[String]) -> Result<Vec<Vec<ByteString>>, Error> {
    let synced = paths.first().map(|path| client.sync(path).send());
    let asked: Vec<_> = paths.iter().map(|path| client.children(path).send()).collect();
    if let Some(synced) = synced {
        synced.await?;
    }
    let mut children = Vec::with_capacity(paths.len());
    for reply in asked {
        children.push(match reply.await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Vec::new(),
            listed => listed?,
        });
    }
    Ok(children)
}

/// The paths of the nodes whose names begin so.
fn ours<'a>(
    prefix: &'a str,
    paths: &'a [String],
    children: &'a [Vec<ByteString>],
) -> impl Iterator<Item = String> + 'a {
    paths.iter().zip(children).filter_map(move |(path, children)| {
        let name = children.iter().find(|child| child.starts_with(prefix))?;
        Some(join(path, name))
    })
}

/// Nodes that may be created from now on.
pub(super) fn in_doubt(client: &Client, prefix: &str, paths: &[String]) -> InDoubt {
    let (prefix, paths) = (prefix.to_owned(), paths.to_owned());
    InDoubt::new(client, move |client| {
        let (prefix, paths) = (prefix.clone(), paths.clone());
        async move { delete_all(&client, &prefix, &paths).await }
    })
}

async fn delete_all(client: &Client, prefix: &str, paths: &[String]) -> Result<(), Error> {
    let children = listed(client, paths).await?;
    for node in ours(prefix, paths, &children) {
        match client.delete(&node).await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => {}
            deleted => deleted?,
        }
    }
    Ok(())
}

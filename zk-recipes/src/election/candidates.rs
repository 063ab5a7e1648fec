//! Who takes part in an election, as the server knows it.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::path::join;
use zk_client::{Client, ErrorCode, Watch};

use super::candidate_info::LeaderInfo;
use super::settings::{Form, Settings};
use crate::contender::listing;
use crate::contender::order::{in_order, is_ordered, parse};
use crate::error::RecipeError;

/// Those who take part, the leader first.
pub(super) async fn all(
    client: &Client,
    settings: &Settings,
) -> Result<Vec<LeaderInfo>, RecipeError> {
    match settings.form {
        Form::Queue(layout) => {
            let kinds = [layout.kind()];
            let found = listing::contenders(client, &settings.path, &kinds).await?;
            Ok(found.into_iter().map(LeaderInfo::from).collect())
        }
        Form::FirstComer => match client.get(&settings.path).await {
            Ok((data, stat)) => Ok(vec![LeaderInfo::new(settings.path.clone(), &data, &stat)]),
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        },
    }
}

/// Who leads now.
pub(super) async fn leader_now(
    client: &Client,
    settings: &Settings,
) -> Result<Option<LeaderInfo>, RecipeError> {
    let Form::Queue(_) = settings.form else {
        return Ok(all(client, settings).await?.into_iter().next());
    };
    while let Some(first) = first_name(client, settings).await? {
        let path = join(&settings.path, &first);
        match client.get(&path).await {
            Ok((data, stat)) => return Ok(Some(LeaderInfo::new(path, &data, &stat))),
            // It went in between.
            Err(error) if error.code() == Some(ErrorCode::NoNode) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Who leads, and a watch that tells when it may be somebody else: on the node of the leader if there
/// is one, so that the coming and going of others wakes nobody.
pub(super) async fn leader(
    client: &Client,
    settings: &Settings,
) -> Result<(Option<LeaderInfo>, Watch), RecipeError> {
    loop {
        let first = match settings.form {
            Form::Queue(_) => first(client, settings).await?,
            Form::FirstComer => First::At(settings.path.clone()),
        };
        let path = match first {
            First::At(path) => path,
            First::Nobody(watch) => return Ok((None, watch)),
        };
        match client.get(&path).watch().await {
            Ok(((data, stat), watch)) => {
                return Ok((Some(LeaderInfo::new(path, &data, &stat)), watch));
            }
            // It went in between.
            Err(error) if error.code() == Some(ErrorCode::NoNode) => {}
            Err(error) => return Err(error.into()),
        }
        if settings.form == Form::FirstComer {
            let (found, watch) = client.exists(&path).watch().await?;
            if found.is_none() {
                return Ok((None, watch));
            }
        }
    }
}

enum First {
    /// The path of its node.
    At(String),
    /// And this tells when there may be somebody.
    Nobody(Watch),
}

/// The first in the queue.
async fn first(client: &Client, settings: &Settings) -> Result<First, RecipeError> {
    let path = &settings.path;
    loop {
        if let Some(first) = first_name(client, settings).await? {
            return Ok(First::At(join(path, &first)));
        }
        // A watch is set only where there is nobody else to be watched.
        match client.children(path).watch().await {
            Ok((children, watch)) if !has_candidates(&children, settings) => {
                return Ok(First::Nobody(watch));
            }
            Ok(_) => continue,
            Err(error) if error.code() == Some(ErrorCode::NoNode) => {}
            Err(error) => return Err(error.into()),
        }
        let (found, watch) = client.exists(path).watch().await?;
        if found.is_none() {
            return Ok(First::Nobody(watch));
        }
    }
}

async fn first_name(client: &Client, settings: &Settings) -> Result<Option<String>, RecipeError> {
    let Form::Queue(layout) = settings.form else { return Ok(None) };
    let kinds = [layout.kind()];
    let children = listing::children(client, &settings.path).await?;
    let names = in_order(children.iter().map(|name| &**name), &kinds);
    let sequence_of = |name: &&str| parse(name, &kinds).map(|(_, sequence)| sequence);
    if names.iter().filter_map(sequence_of).all(is_ordered) {
        return Ok(names.first().map(|name| (*name).to_owned()));
    }
    let contenders = listing::contenders(client, &settings.path, &kinds).await?;
    Ok(contenders.first().map(|first| first.name().to_owned()))
}

fn has_candidates(children: &[zk_client::ByteString], settings: &Settings) -> bool {
    let Form::Queue(layout) = settings.form else { return false };
    !in_order(children.iter().map(|name| &**name), &[layout.kind()]).is_empty()
}

/// Whether one with one of these ids is in the queue.
pub(super) async fn is_any_present(
    client: &Client,
    settings: &Settings,
    ids: &[String],
) -> Result<bool, RecipeError> {
    let candidates = all(client, settings).await?;
    Ok(candidates.iter().any(|candidate| ids.contains(&candidate.id)))
}

/// Waits until one of these is in the queue, whatever the connection does.
pub(super) async fn until_any_present(client: &Client, settings: &Settings, ids: &[String]) {
    loop {
        let seen = async {
            let (_, watch) = client.children(&settings.path).watch().await?;
            if is_any_present(client, settings, ids).await? {
                return Ok(true);
            }
            watch.await?;
            Ok::<bool, RecipeError>(false)
        };
        match seen.await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                tracing::debug!(%error, "looking at the candidates once more");
                sleep(ASK_AGAIN).await;
            }
        }
    }
}

/// Before the server is asked again that did not answer.
const ASK_AGAIN: Duration = Duration::from_millis(100);

//! The nodes above the ones that recipes make.

use zk_client::path::ancestors;
use zk_client::{Client, CreateMode, Error, ErrorCode};

/// Creates a node and all above it that are missing, with empty data.
///
/// They become containers, which the server removes when they are empty again, as Curator does;
/// persistent nodes where the server has no containers (before 3.5.1).
pub(crate) async fn create(client: &Client, path: &str) -> Result<(), Error> {
    let missing = missing(client, path).await?;
    for path in missing.into_iter().rev() {
        create_one(client, path).await?;
    }
    Ok(())
}

/// The path and those above it that do not exist, the lowest first.
async fn missing<'a>(client: &Client, path: &'a str) -> Result<Vec<&'a str>, Error> {
    let mut missing = Vec::new();
    for path in ancestors(path).filter(|path| *path != "/") {
        if client.exists(path).await?.is_some() {
            break;
        }
        missing.push(path);
    }
    Ok(missing)
}

async fn create_one(client: &Client, path: &str) -> Result<(), Error> {
    let container = client.create(path, "").mode(CreateMode::Container).await;
    let created = match container.map_err(|error| (error.code(), error)) {
        Err((Some(ErrorCode::Unimplemented), _)) => client.create(path, "").await,
        created => created.map_err(|(_, error)| error),
    };
    match created.map_err(|error| (error.code(), error)) {
        Ok(_) | Err((Some(ErrorCode::NodeExists), _)) => Ok(()),
        // Whether it was created is seen when it is used.
        Err((_, error)) if error.outcome_unknown() => Ok(()),
        Err((_, error)) => Err(error),
    }
}

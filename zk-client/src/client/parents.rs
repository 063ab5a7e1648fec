//! The nodes above one that is to be created.

use zk_proto::path::ancestors;
use zk_proto::{Acl, CreateMode, ErrorCode};

use super::Client;
use crate::error::Error;

/// How missing parents are created.
#[derive(Clone, Debug)]
pub(super) struct Parents {
    /// Persistent, or a container.
    pub(super) mode: CreateMode,
    pub(super) acl: Vec<Acl>,
}

impl Parents {
    pub(super) fn new(mode: CreateMode) -> Self {
        Self { mode, acl: Acl::open() }
    }

    /// Creates a node and all above it that are missing, with empty data; also those that are the
    /// chroot of the client.
    pub(super) async fn create(&self, client: &Client, path: &str) -> Result<(), Error> {
        let path = client.server_path(path)?;
        let root = client.without_chroot();
        for path in missing(&root, &path).await?.into_iter().rev() {
            self.create_one(&root, path).await?;
        }
        Ok(())
    }

    async fn create_one(&self, client: &Client, path: &str) -> Result<(), Error> {
        let create = |mode| client.create(path, "").mode(mode).acl(self.acl.clone());
        let error = match create(self.mode).await {
            // Before 3.5.1 there are no containers.
            Err(error) if error.code() == Some(ErrorCode::Unimplemented) => {
                create(CreateMode::Persistent).await.err()
            }
            created => created.err(),
        };
        match error {
            Some(error) if error.code() == Some(ErrorCode::NodeExists) => Ok(()),
            // Whether it was created is seen when it is used.
            Some(error) if error.outcome_unknown() => Ok(()),
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
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

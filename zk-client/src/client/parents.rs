//! The nodes above one that is to be created.

use zk_proto::path::ancestors;
use zk_proto::{Acl, CreateMode, ErrorCode};

use super::Client;
use super::steps::MOST_ATTEMPTS;
use crate::error::{Delivery, Error};

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
        let mut mode = self.mode;
        for path in missing(&root, &path).await?.into_iter().rev() {
            self.create_one(&root, path, &mut mode).await?;
        }
        Ok(())
    }

    /// Creates a node unless it is there; again, when the reply was lost.
    async fn create_one(
        &self,
        client: &Client,
        path: &str,
        mode: &mut CreateMode,
    ) -> Result<(), Error> {
        for _ in 0..MOST_ATTEMPTS {
            let create = client.create(path, "").mode(*mode).acl(self.acl.clone());
            let Err(error) = create.await else {
                return Ok(());
            };
            match error.code() {
                Some(ErrorCode::NodeExists) => return Ok(()),
                // Before 3.5.1 there are no containers. A server that does not know a request also
                // hangs up (UnimplementedRequestProcessor), so the next one may be lost.
                Some(ErrorCode::Unimplemented) if *mode == CreateMode::Container => {
                    *mode = CreateMode::Persistent;
                }
                _ if client.is_passing(&error) => client.recover(&error).await?,
                _ => return Err(error),
            }
        }
        Err(Error::Timeout { delivery: Delivery::Unknown })
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

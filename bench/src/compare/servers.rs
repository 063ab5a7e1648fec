//! What the clients are measured against.

use tokio::runtime::Builder;
use zk_client::{Client, ErrorCode};

use super::{LARGE, SMALL, node};
use crate::Failure;
use crate::child::{self, Child};

/// Servers, for reads of every size and for watches.
pub(crate) struct Servers {
    pub(crate) small: String,
    pub(crate) large: String,
    pub(crate) watches: String,
    /// Killed in the end.
    _children: Vec<Child>,
}

impl Servers {
    /// The server at `address`; without one, servers of our own, with canned replies where they
    /// will do.
    pub(crate) fn at(address: Option<&String>) -> Result<Self, Failure> {
        if let Some(address) = address {
            create_nodes(address)?;
            let [small, large, watches] = [(); 3].map(|()| address.clone());
            return Ok(Self { small, large, watches, _children: Vec::new() });
        }
        let (first, small) = child::canned(SMALL)?;
        let (second, large) = child::canned(LARGE)?;
        let (third, watches) = child::server()?;
        create_nodes(&watches)?;
        Ok(Self { small, large, watches, _children: vec![first, second, third] })
    }
}

fn create_nodes(address: &str) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect(address).await?;
        for size in [SMALL, LARGE] {
            match client.create(node(size), vec![b'x'; size]).await {
                Ok(_) => {}
                // Of an earlier run.
                Err(error) if error.code() == Some(ErrorCode::NodeExists) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(client.close().await?)
    })
}

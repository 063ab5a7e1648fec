//! Where an example plays.

use std::env;
use std::error::Error;
use std::time::Duration;

use zk_server_lite::Server;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// The server that `ZK_CONNECT` names, or one that is started here.
pub(crate) struct Stage {
    pub(crate) connect_string: String,
    embedded: Option<Server>,
}

impl Stage {
    pub(crate) async fn find() -> Result<Self, Failure> {
        if let Ok(connect_string) = env::var("ZK_CONNECT") {
            return Ok(Self { connect_string, embedded: None });
        }
        let server = Server::builder().tick_time(Duration::from_millis(500)).start().await?;
        println!("ZK_CONNECT is not set: started a zk-server-lite");
        Ok(Self { connect_string: server.connect_string(), embedded: Some(server) })
    }

    /// The server that was started here goes with it.
    pub(crate) async fn leave(self) {
        if let Some(server) = self.embedded {
            server.shutdown().await;
        }
    }
}

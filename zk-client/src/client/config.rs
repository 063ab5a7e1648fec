//! The configuration of the ensemble, which is a node outside every chroot.

use bytes::Bytes;
use zk_proto::message::{GetDataRequest, GetDataResponse, ReconfigRequest};
use zk_proto::op::Request;
use zk_proto::{ByteString, OpCode, Stat};

use super::Client;
use super::call::call;
use crate::reply::{ReadReply, Reply, WatchedReply};

/// A read of the ensemble's configuration. Made by [`Client::get_config`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct GetConfig<'a> {
    pub(super) client: &'a Client,
}

/// A read of the ensemble's configuration that also sets a watch.
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct WatchedConfig<'a> {
    client: &'a Client,
}

impl<'a> GetConfig<'a> {
    /// Also sets a watch that resolves when the configuration changes.
    pub const fn watch(self) -> WatchedConfig<'a> {
        WatchedConfig { client: self.client }
    }

    /// Sends the request.
    ///
    /// The reply is the text, one `server.N=...` a line and a last line `version=`, and the state
    /// of the node; both are empty on a server that stands alone, unless it was reconfigured. Its
    /// errors: `NoNode` before ZooKeeper 3.5, `NoAuth`, and those of every operation.
    pub fn send(self) -> Reply<(Bytes, Stat)> {
        let root = self.client.without_chroot();
        root.submit(Ok(request(false)), root.about(OpCode::GetData, CONFIG_NODE), READ)
    }
}

impl WatchedConfig<'_> {
    /// Sends the request; as without a watch, but the watch comes with the reply.
    pub fn send(self) -> WatchedReply<(Bytes, Stat)> {
        let root = self.client.without_chroot();
        root.submit_watched(Ok(request(true)), root.about(OpCode::GetData, CONFIG_NODE), READ)
    }
}

call!(GetConfig => (Bytes, Stat));

impl IntoFuture for WatchedConfig<'_> {
    type Output = Result<((Bytes, Stat), crate::Watch), crate::Error>;
    type IntoFuture = WatchedReply<(Bytes, Stat)>;

    fn into_future(self) -> Self::IntoFuture {
        self.send()
    }
}

/// A change of the ensemble's members. Made by [`Client::reconfig`].
///
/// Either step by step, with [`joining`](Self::joining) and [`leaving`](Self::leaving), or all at
/// once with [`new_members`](Self::new_members).
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Debug)]
pub struct Reconfig<'a> {
    client: &'a Client,
    joining: Vec<String>,
    leaving: Vec<String>,
    new_members: Vec<String>,
    version: i64,
}

impl<'a> Reconfig<'a> {
    pub(super) const fn new(client: &'a Client) -> Self {
        Self {
            client,
            joining: Vec::new(),
            leaving: Vec::new(),
            new_members: Vec::new(),
            version: ANY_CONFIG,
        }
    }

    /// Adds a server, or changes it: `server.4=host:2888:3888:participant;2181`, as in the
    /// configuration file.
    pub fn joining(mut self, server: impl Into<String>) -> Self {
        self.joining.push(server.into());
        self
    }

    /// Removes the server of that id.
    pub fn leaving(mut self, id: impl ToString) -> Self {
        self.leaving.push(id.to_string());
        self
    }

    /// One of the servers that the ensemble is to consist of. Cannot be mixed with the other two.
    pub fn new_members(mut self, server: impl Into<String>) -> Self {
        self.new_members.push(server.into());
        self
    }

    /// Only if this is the version of the present configuration: the number in hex behind
    /// `version=` in its last line. Default: any.
    pub const fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// Sends the request.
    ///
    /// The reply is the new configuration, as [`Client::get_config`] reads it. Its errors:
    /// `ReconfigDisabled` (the default of a server), `NoAuth` (needs `WRITE` on
    /// `/zookeeper/config`, which by default only a super user has), `BadVersion`,
    /// `ReconfigInProgress`, `NewConfigNoQuorum`, `BadArguments`, `Unimplemented` (a server that
    /// stands alone, or before ZooKeeper 3.5), and those of every operation. After
    /// [`Error::outcome_unknown`](crate::Error::outcome_unknown) the change may have been made.
    pub fn send(self) -> Reply<(Bytes, Stat)> {
        let root = self.client.without_chroot();
        let request = Request::Reconfig(ReconfigRequest {
            joining_servers: list(&self.joining),
            leaving_servers: list(&self.leaving),
            new_members: list(&self.new_members),
            cur_config_id: self.version,
        });
        root.submit(Ok(request), root.about(OpCode::Reconfig, CONFIG_NODE), READ)
    }
}

call!(Reconfig => (Bytes, Stat));

fn request(watch: bool) -> Request {
    Request::GetData(GetDataRequest { path: CONFIG_NODE.into(), watch })
}

/// As the Java client does (`ZooKeeperAdmin.reconfigure`): null for nothing at all.
fn list(servers: &[String]) -> Option<ByteString> {
    (!servers.is_empty()).then(|| servers.join(",").into())
}

const READ: ReadReply<(Bytes, Stat)> = |about, answer| {
    let GetDataResponse { data, stat } = about.decode(answer)?;
    Ok((data.unwrap_or_default(), stat))
};

/// `ZooDefs.CONFIG_NODE`.
const CONFIG_NODE: &str = "/zookeeper/config";
const ANY_CONFIG: i64 = -1;

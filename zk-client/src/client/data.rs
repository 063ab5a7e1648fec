use bytes::Bytes;
use zk_proto::message::{GetDataRequest, GetDataResponse, SetDataRequest, SetDataResponse};
use zk_proto::op::Request;
use zk_proto::{OpCode, Stat, Version};

use super::Client;
use super::call::{Watched, call};
use super::node_data::NodeData;
use crate::error::Error;
use crate::reply::{About, ReadReply, Reply};

/// A read of a node's data. Made by [`Client::get`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct Get<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
}

impl Get<'_> {
    /// Also sets a watch that resolves when the data changes or the node is deleted. There is
    /// none when the node does not exist.
    pub const fn watch(self) -> Watched<Self> {
        Watched(self)
    }

    /// Sends the request.
    ///
    /// The reply is the data and the node's state; null data reads as empty. Its errors:
    /// `NoNode`, `NoAuth`, and those of every operation.
    pub fn send(self) -> Reply<(Bytes, Stat)> {
        let (request, about) = self.request(false);
        self.client.submit(request, about, READ)
    }

    fn request(&self, watch: bool) -> (Result<Request, Error>, About) {
        let request = self
            .client
            .server_path(self.path)
            .map(|path| Request::GetData(GetDataRequest { path, watch }));
        (request, self.client.about_node(OpCode::GetData, self.path))
    }
}

call!(Get => (Bytes, Stat), watched by READ);

const READ: ReadReply<(Bytes, Stat)> = |about, answer| {
    let GetDataResponse { data, stat } = about.decode(answer)?;
    Ok((data.unwrap_or_default(), stat))
};

/// Data to be set. Made by [`Client::set`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Debug)]
pub struct Set<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
    pub(super) data: NodeData,
    pub(super) version: Version,
}

impl Set<'_> {
    /// Only if the node's data has this version. Default: any.
    pub const fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Sends the request.
    ///
    /// The reply is the node's new state. Its errors: `NoNode`, `BadVersion`, `NoAuth`, and those
    /// of every operation. After [`Error::outcome_unknown`] the data may have been set.
    pub fn send(self) -> Reply<Stat> {
        let about = self.client.about_node(OpCode::SetData, self.path);
        let request = self.client.server_path(self.path).map(|path| {
            let data = Some(self.data.0);
            Request::SetData(SetDataRequest { path, data, version: self.version })
        });
        self.client.submit(request, about, |about, answer| {
            about.decode(answer).map(|SetDataResponse { stat }| stat)
        })
    }
}

call!(Set => Stat);

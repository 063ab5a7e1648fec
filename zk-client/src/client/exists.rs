use zk_proto::message::{ExistsRequest, ExistsResponse};
use zk_proto::op::Request;
use zk_proto::{ErrorCode, OpCode, Stat};

use super::Client;
use super::call::{Watched, call};
use crate::error::Error;
use crate::reply::{About, ReadReply, Reply};

/// A question whether a node exists. Made by [`Client::exists`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct Exists<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
}

impl Exists<'_> {
    /// Also sets a watch: on a node that exists it resolves when the data changes or the node is
    /// deleted, otherwise when the node is created.
    pub const fn watch(self) -> Watched<Self> {
        Watched(self)
    }

    /// Sends the request.
    ///
    /// The reply is the node's state, or `None` when there is no such node. Its errors: `NoAuth`,
    /// and those of every operation.
    pub fn send(self) -> Reply<Option<Stat>> {
        let (request, about) = self.request(false);
        self.client.submit(request, about, READ)
    }

    fn request(&self, watch: bool) -> (Result<Request, Error>, About) {
        let request = self
            .client
            .server_path(self.path)
            .map(|path| Request::Exists(ExistsRequest { path, watch }));
        (request, self.client.about_node(OpCode::Exists, self.path))
    }
}

call!(Exists => Option<Stat>, watched by READ);

const READ: ReadReply<Option<Stat>> = |about, answer| match answer {
    Err(ErrorCode::NoNode) => Ok(None),
    answer => about.decode(answer).map(|ExistsResponse { stat }| Some(stat)),
};

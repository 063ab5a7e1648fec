use zk_proto::message::{
    GetChildren2Request, GetChildren2Response, GetChildrenRequest, GetChildrenResponse,
};
use zk_proto::op::Request;
use zk_proto::{ByteString, OpCode, Stat};

use super::Client;
use super::call::{Watched, call};
use crate::error::Error;
use crate::reply::{About, ReadReply, Reply};

/// A listing of a node's children. Made by [`Client::children`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct Children<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
}

/// A listing of a node's children, with the state of the node.
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct ChildrenWithStat<'a> {
    client: &'a Client,
    path: &'a str,
}

impl<'a> Children<'a> {
    /// Also asks for the state of the node itself.
    pub const fn with_stat(self) -> ChildrenWithStat<'a> {
        ChildrenWithStat { client: self.client, path: self.path }
    }

    /// Also sets a watch that resolves when a child is created or deleted, or the node itself is
    /// deleted. There is none when the node does not exist.
    pub const fn watch(self) -> Watched<Self> {
        Watched(self)
    }

    /// Sends the request.
    ///
    /// The reply is the names of the children, in no order. Its errors: `NoNode`, `NoAuth`, and
    /// those of every operation.
    pub fn send(self) -> Reply<Vec<ByteString>> {
        let (request, about) = self.request(false);
        self.client.submit(request, about, READ_NAMES)
    }

    fn request(&self, watch: bool) -> (Result<Request, Error>, About) {
        let request = self
            .client
            .server_path(self.path)
            .map(|path| Request::GetChildren(GetChildrenRequest { path, watch }));
        (request, self.client.about_node(OpCode::GetChildren, self.path))
    }
}

impl ChildrenWithStat<'_> {
    /// Also sets a watch; see [`Children::watch`].
    pub const fn watch(self) -> Watched<Self> {
        Watched(self)
    }

    /// Sends the request; see [`Children::send`].
    pub fn send(self) -> Reply<(Vec<ByteString>, Stat)> {
        let (request, about) = self.request(false);
        self.client.submit(request, about, READ_BOTH)
    }

    fn request(&self, watch: bool) -> (Result<Request, Error>, About) {
        let Self { client, path } = *self;
        let request = client
            .server_path(path)
            .map(|path| Request::GetChildren2(GetChildren2Request { path, watch }));
        (request, client.about_node(OpCode::GetChildren2, path))
    }
}

call!(Children => Vec<ByteString>, watched by READ_NAMES);
call!(ChildrenWithStat => (Vec<ByteString>, Stat), watched by READ_BOTH);

const READ_NAMES: ReadReply<Vec<ByteString>> =
    |about, answer| about.decode(answer).map(|GetChildrenResponse { children }| children);

const READ_BOTH: ReadReply<(Vec<ByteString>, Stat)> = |about, answer| {
    about.decode(answer).map(|GetChildren2Response { children, stat }| (children, stat))
};

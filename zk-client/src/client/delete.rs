use zk_proto::message::{DeleteRequest, NoBody};
use zk_proto::op::Request;
use zk_proto::{OpCode, Version};

use super::Client;
use super::call::call;
use crate::reply::Reply;

/// A node to delete. Made by [`Client::delete`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct Delete<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
    pub(super) version: Version,
}

impl Delete<'_> {
    /// Only if the node's data has this version. Default: any.
    pub const fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Sends the request.
    ///
    /// The reply's errors: `NoNode`, `NotEmpty`, `BadVersion`, `NoAuth`, and those of every
    /// operation. After [`Error::outcome_unknown`](crate::Error::outcome_unknown) the node may have been deleted.
    pub fn send(self) -> Reply<()> {
        let about = self.client.about_node(OpCode::Delete, self.path);
        let request = self
            .client
            .server_path(self.path)
            .map(|path| Request::Delete(DeleteRequest { path, version: self.version }));
        self.client.submit(request, about, |about, answer| about.decode(answer).map(|NoBody {}| ()))
    }
}

call!(Delete => ());

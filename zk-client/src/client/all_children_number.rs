use zk_proto::OpCode;
use zk_proto::message::{GetAllChildrenNumberRequest, GetAllChildrenNumberResponse};
use zk_proto::op::Request;

use super::Client;
use super::call::call;
use crate::reply::Reply;

/// A count of the nodes below one. Made by [`Client::all_children_number`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct AllChildrenNumber<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
}

impl AllChildrenNumber<'_> {
    /// Sends the request.
    ///
    /// The reply is the number of all descendants, not of the children only. The server looks at
    /// every node of the tree to tell. Its errors: `NoNode`, `NoAuth`, `Unimplemented` before
    /// ZooKeeper 3.6, and those of every operation.
    pub fn send(self) -> Reply<u32> {
        let about = self.client.about(OpCode::GetAllChildrenNumber, self.path);
        let request = self
            .client
            .server_path(self.path)
            .map(|path| Request::GetAllChildrenNumber(GetAllChildrenNumberRequest { path }));
        self.client.submit(request, about, |about, answer| {
            let GetAllChildrenNumberResponse { total_number } = about.decode(answer)?;
            Ok(total_number.max(0).unsigned_abs())
        })
    }
}

call!(AllChildrenNumber => u32);

use zk_proto::OpCode;
use zk_proto::message::{SyncRequest, SyncResponse};
use zk_proto::op::Request;

use super::Client;
use super::call::call;
use crate::reply::Reply;

/// A wait for the server to catch up. Made by [`Client::sync`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct Sync<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
}

impl Sync<'_> {
    /// Sends the request. A read that is sent behind it sees what was committed before,
    /// without waiting for this reply.
    pub fn send(self) -> Reply<()> {
        let about = self.client.about(OpCode::Sync, self.path);
        let request =
            self.client.server_path(self.path).map(|path| Request::Sync(SyncRequest { path }));
        self.client.submit(request, about, |about, answer| {
            about.decode(answer).map(|SyncResponse { .. }| ())
        })
    }
}

call!(Sync => ());

use zk_proto::OpCode;
use zk_proto::data::ClientInfo;
use zk_proto::message::{NoBody, WhoAmIResponse};
use zk_proto::op::Request;

use super::Client;
use super::call::call;
use crate::reply::Reply;

/// A question who this client is to the server. Made by [`Client::who_am_i`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct WhoAmI<'a> {
    pub(super) client: &'a Client,
}

impl WhoAmI<'_> {
    /// Sends the request.
    ///
    /// The reply has each identity once, in no order, without what proves it: the address as
    /// scheme `ip`, and what [`Client::add_auth`] has added. Its errors: `Unimplemented` before
    /// ZooKeeper 3.7, and those of every operation.
    pub fn send(self) -> Reply<Vec<ClientInfo>> {
        let about = self.client.about(OpCode::WhoAmI, "/");
        self.client.submit(Ok(Request::WhoAmI(NoBody {})), about, |about, answer| {
            about.decode(answer).map(|WhoAmIResponse { client_info }| client_info)
        })
    }
}

call!(WhoAmI => Vec<ClientInfo>);

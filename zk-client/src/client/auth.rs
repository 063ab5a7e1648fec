use std::fmt;

use bytes::Bytes;
use zk_proto::OpCode;

use super::Client;
use super::call::call;
use crate::options::auth_packet;
use crate::reply::Reply;

/// An identity to add. Made by [`Client::add_auth`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone)]
pub struct AddAuth<'a> {
    pub(super) client: &'a Client,
    pub(super) scheme: &'a str,
    pub(super) auth: Bytes,
}

impl AddAuth<'_> {
    /// Sends the request.
    ///
    /// The reply comes when a server has accepted it. From the call on it is remembered, and told
    /// again after every reconnect, before watches are set again and requests are sent; so it is
    /// also when the reply is dropped, or ends with [`Error::Timeout`].
    ///
    /// Errors: [`Error::AuthFailed`] when the server refuses, because it does not know the scheme
    /// or does not accept what was said: this ends the client, as it ends the Java client. And
    /// those of every operation.
    ///
    /// [`Error::Timeout`]: crate::Error::Timeout
    /// [`Error::AuthFailed`]: crate::Error::AuthFailed
    pub fn send(self) -> Reply<()> {
        let about = self.client.about(OpCode::Auth, "/");
        let packet = auth_packet(self.scheme.into(), self.auth);
        let bound = self.client.bound;
        self.client.submit_with(
            about,
            |shared| shared.add_auth(bound, packet),
            |about, answer| answer.map(|_| ()).map_err(|code| about.refused(code)),
        )
    }
}

call!(AddAuth => ());

/// Without what is said to prove it.
impl fmt::Debug for AddAuth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddAuth").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

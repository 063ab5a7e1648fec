use zk_proto::message::{GetEphemeralsRequest, GetEphemeralsResponse};
use zk_proto::op::Request;
use zk_proto::{ByteString, OpCode};

use super::Client;
use super::call::call;
use crate::reply::Reply;

/// A listing of this session's ephemeral nodes. Made by [`Client::get_ephemerals`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct GetEphemerals<'a> {
    pub(super) client: &'a Client,
    pub(super) prefix: &'a str,
}

impl<'a> GetEphemerals<'a> {
    /// Only those whose path begins so, letter by letter: `/jobs/w` finds `/jobs/w-1` as well as
    /// `/jobs/workers/1`. Default: `/`, which is all.
    pub const fn prefix(mut self, prefix: &'a str) -> Self {
        self.prefix = prefix;
        self
    }

    /// Sends the request.
    ///
    /// The reply is their paths, in no order. Below a chroot it is those below it, as this client
    /// names them; the Java client takes the prefix and gives the paths as the server does, and
    /// tells of those outside as well. Its errors: `Unimplemented` before ZooKeeper 3.6, and those
    /// of every operation.
    pub fn send(self) -> Reply<Vec<ByteString>> {
        let about = self.client.about(OpCode::GetEphemerals, self.prefix);
        let request = self.client.server_prefix(self.prefix).map(|prefix| {
            Request::GetEphemerals(GetEphemeralsRequest { prefix_path: Some(prefix) })
        });
        self.client.submit(request, about, |about, answer| {
            let GetEphemeralsResponse { ephemerals } = about.decode(answer)?;
            let chroot = &about.chroot;
            let ours = ephemerals.into_iter().filter(|path| chroot.contains(path));
            Ok(ours.map(|path| chroot.inward(path)).collect())
        })
    }
}

call!(GetEphemerals => Vec<ByteString>);

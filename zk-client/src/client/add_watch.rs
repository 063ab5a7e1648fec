use zk_proto::{AddWatchMode, OpCode};

use super::Client;
use crate::error::Error;
use crate::reply::{ReadReply, Reply};
use crate::shared_session::ReplyReceiver;
use crate::watch_stream::{View, WatchStream, WatchStreamReply};

/// A wish to listen to a node. Made by [`Client::watch`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct AddWatch<'a> {
    client: &'a Client,
    path: &'a str,
    mode: AddWatchMode,
    capacity: usize,
}

impl<'a> AddWatch<'a> {
    pub(super) const fn new(client: &'a Client, path: &'a str, mode: AddWatchMode) -> Self {
        Self { client, path, mode, capacity: CAPACITY }
    }

    /// How many items wait for their reader; when more come, all of them are dropped and
    /// [`WatchItem::Lagged`](crate::WatchItem::Lagged) stands in their place. At least 1. Default
    /// 1,024; memory is used for what waits only.
    pub const fn capacity(mut self, items: usize) -> Self {
        self.capacity = items;
        self
    }

    /// Sends the request, unless another stream of this client has the same watch already.
    ///
    /// The reply is the stream, once the server has confirmed the watch; the node need not exist.
    /// What happens from then on is told, so read after this and not before. Without a connection
    /// it waits for one; lost ones make no difference. Its errors: `Unimplemented` of servers
    /// before 3.6, and those of every operation. It is not a write, and
    /// [`Error::outcome_unknown`] is of no concern: without a stream there is no watch.
    pub fn send(self) -> WatchStreamReply {
        let Self { client, path, mode, capacity } = self;
        let about = client.about(OpCode::AddWatch, path);
        let opened = client.open_stream(path, mode, capacity);
        match opened {
            Ok((stream, receiver)) => {
                WatchStreamReply { reply: Reply::due(receiver, about, READ), stream: Some(stream) }
            }
            Err(error) => {
                WatchStreamReply { reply: Reply::refused(error, about, READ), stream: None }
            }
        }
    }
}

impl Client {
    fn open_stream(
        &self,
        path: &str,
        mode: AddWatchMode,
        capacity: usize,
    ) -> Result<(WatchStream, ReplyReceiver), Error> {
        let path = self.server_path(path)?;
        let view = View { chroot: self.chroot.clone(), bound: self.bound };
        Ok(WatchStream::open(&self.handle.shared, view, path, mode, capacity)?)
    }
}

impl IntoFuture for AddWatch<'_> {
    type Output = Result<WatchStream, Error>;
    type IntoFuture = WatchStreamReply;

    fn into_future(self) -> Self::IntoFuture {
        self.send()
    }
}

const READ: ReadReply<()> = |about, answer| answer.map(|_| ()).map_err(|code| about.refused(code));

const CAPACITY: usize = 1024;

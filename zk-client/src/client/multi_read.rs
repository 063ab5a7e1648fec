use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use zk_proto::message::{
    ErrorResponse, GetChildrenRequest, GetDataRequest, MultiReadOp, MultiReadRequest,
    MultiReadResponse, MultiReadResult,
};
use zk_proto::op::Request;
use zk_proto::{ByteString, ErrorCode, OpCode, Stat};

use super::Client;
use super::gathered::{Gathered, Names};
use super::node_data::NodeData;
use crate::error::{Error, Violation};
use crate::reply::Reply;

/// Reads that are answered together. Made by [`Client::multi_read`].
///
/// All see the same state of the server's tree: no write comes between two of them. None sets a
/// watch.
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Debug)]
pub struct MultiRead<'a> {
    client: &'a Client,
    ops: Gathered<MultiReadOp>,
}

/// The result of one read of a [`MultiRead`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MultiReadOutcome {
    /// A node's data and state; null data reads as empty.
    Data(Bytes, Stat),
    /// The names of a node's children, in no order.
    Children(Vec<ByteString>),
}

/// Does not show the data.
impl fmt::Debug for MultiReadOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(data, stat) => {
                f.debug_tuple("Data").field(&NodeData(data.clone())).field(stat).finish()
            }
            Self::Children(names) => f.debug_tuple("Children").field(names).finish(),
        }
    }
}

impl<'a> MultiRead<'a> {
    pub(super) const fn new(client: &'a Client) -> Self {
        Self { client, ops: Gathered::new() }
    }

    /// Reads a node's data and state.
    pub fn get(self, path: &str) -> Self {
        self.push(OpCode::GetData, path, |path| {
            MultiReadOp::GetData(GetDataRequest { path, watch: false })
        })
    }

    /// Lists the names of a node's children.
    pub fn children(self, path: &str) -> Self {
        self.push(OpCode::GetChildren, path, |path| {
            MultiReadOp::GetChildren(GetChildrenRequest { path, watch: false })
        })
    }

    fn push(
        mut self,
        op: OpCode,
        path: &str,
        record: impl FnOnce(ByteString) -> MultiReadOp,
    ) -> Self {
        self.ops.push(op, path, self.client.server_path(path).map(record));
        self
    }

    /// Sends the request.
    ///
    /// The reply has one result for each read, in their order: one that fails, with `NoNode` or
    /// `NoAuth`, does not fail the others. Errors of the whole: `Unimplemented` before ZooKeeper
    /// 3.6, and those of every operation. All results together are one reply, which
    /// [`ClientBuilder::max_reply`](crate::ClientBuilder::max_reply) limits.
    pub fn send(self) -> MultiReadReply {
        let about = self.client.about(OpCode::MultiRead, "/");
        let (ops, names) = self.ops.finish();
        let request = ops.map(|ops| Request::MultiRead(MultiReadRequest { ops }));
        let reply = self.client.submit(request, about, |about, answer| {
            about.decode(answer).map(|MultiReadResponse { results }| results)
        });
        MultiReadReply { reply, names }
    }
}

/// The reply to a [`MultiRead`] that is on its way.
///
/// # Cancel safety
/// Dropping it changes nothing.
#[must_use = "a reply that is dropped tells nobody what was read"]
#[derive(Debug)]
pub struct MultiReadReply {
    reply: Reply<Vec<MultiReadResult>>,
    names: Names,
}

impl Future for MultiReadReply {
    type Output = Result<Vec<Result<MultiReadOutcome, Error>>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let results = ready!(Pin::new(&mut self.reply).poll(cx));
        Poll::Ready(results.and_then(|results| outcomes(results, &self.names)))
    }
}

impl IntoFuture for MultiRead<'_> {
    type Output = Result<Vec<Result<MultiReadOutcome, Error>>, Error>;
    type IntoFuture = MultiReadReply;

    fn into_future(self) -> Self::IntoFuture {
        self.send()
    }
}

fn outcomes(
    results: Vec<MultiReadResult>,
    names: &[(OpCode, ByteString)],
) -> Result<Vec<Result<MultiReadOutcome, Error>>, Error> {
    if results.len() != names.len() {
        return Err(Error::Protocol(Violation::MultiMismatch));
    }
    results.into_iter().zip(names).map(|(result, (op, path))| outcome(result, *op, path)).collect()
}

/// What one read came to, if the result is one of such a read at all.
fn outcome(
    result: MultiReadResult,
    op: OpCode,
    path: &ByteString,
) -> Result<Result<MultiReadOutcome, Error>, Error> {
    match (op, result) {
        (OpCode::GetData, MultiReadResult::GetData(read)) => {
            Ok(Ok(MultiReadOutcome::Data(read.data.unwrap_or_default(), read.stat)))
        }
        (OpCode::GetChildren, MultiReadResult::GetChildren(read)) => {
            Ok(Ok(MultiReadOutcome::Children(read.children)))
        }
        (op, MultiReadResult::Error(ErrorResponse { err: code })) if code != ErrorCode::Ok => {
            Ok(Err(Error::Server { op, path: path.clone(), code }))
        }
        _ => Err(Error::Protocol(Violation::MultiMismatch)),
    }
}

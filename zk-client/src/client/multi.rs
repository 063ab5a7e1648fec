use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use zk_proto::message::{
    CheckVersionRequest, DeleteRequest, ErrorResponse, MultiOp, MultiRequest, MultiResponse,
    MultiResult, SetDataRequest,
};
use zk_proto::op::Request;
use zk_proto::{Acl, ByteString, CreateMode, ErrorCode, OpCode, Stat, Version};

use super::gathered::{Gathered, Names};
use super::{Client, Create};
use crate::error::{Error, Violation};
use crate::reply::Reply;

/// Writes that are done all or none. Made by [`Client::multi`].
///
/// They are tried in order, each on the state that the ones before it leave: a node and its
/// child can be created in one multi.
#[must_use = "nothing is sent until `commit` is called"]
#[derive(Debug)]
pub struct Multi<'a> {
    client: &'a Client,
    ops: Gathered<MultiOp>,
}

/// The result of one operation of a [`Multi`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MultiOutcome {
    /// A node was created.
    Created {
        /// Its path, with the sequence number if there is one.
        path: ByteString,
        /// Its state; servers before 3.8.2 leave it out (ZOOKEEPER-4026).
        stat: Option<Stat>,
    },
    /// A node was deleted.
    Deleted,
    /// Data was set; the new state of the node.
    Set(Stat),
    /// A version was as expected.
    Checked,
}

impl<'a> Multi<'a> {
    pub(super) const fn new(client: &'a Client) -> Self {
        Self { client, ops: Gathered::new() }
    }

    /// Creates a persistent node with an open ACL.
    pub fn create(self, path: &str, data: impl Into<Bytes>) -> Self {
        self.create_with(path, data, CreateMode::Persistent, Acl::open())
    }

    /// Creates a node; [`create_node`](Self::create_node) also takes a time to live.
    pub fn create_with(
        self,
        path: &str,
        data: impl Into<Bytes>,
        mode: CreateMode,
        acl: Vec<Acl>,
    ) -> Self {
        let create = Create::new(self.client, path, data.into()).mode(mode).acl(acl);
        self.create_node(create)
    }

    /// Creates a node, of any kind that [`Client::create`] can make.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn run(client: zk_client::Client) -> Result<(), zk_client::Error> {
    /// let leased = client.create("/leases/7", "me").ttl(Duration::from_secs(60));
    /// client.multi().create_node(leased).set("/owner", "me", zk_client::Version(3)).commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_node(mut self, create: Create<'_>) -> Self {
        let (op, path) = (create.op_code(), create.path);
        self.ops.push(op, path, create.record().map(MultiOp::from));
        self
    }

    /// Deletes a node, if its data has the version.
    pub fn delete(self, path: &str, version: Version) -> Self {
        self.push(OpCode::Delete, path, |path| MultiOp::Delete(DeleteRequest { path, version }))
    }

    /// Sets a node's data, if it has the version.
    pub fn set(self, path: &str, data: impl Into<Bytes>, version: Version) -> Self {
        let data = Some(data.into());
        self.push(OpCode::SetData, path, |path| {
            MultiOp::SetData(SetDataRequest { path, data, version })
        })
    }

    /// Goes on only if the node exists and its data has the version.
    pub fn check(self, path: &str, version: Version) -> Self {
        self.push(OpCode::Check, path, |path| MultiOp::Check(CheckVersionRequest { path, version }))
    }

    fn push(mut self, op: OpCode, path: &str, record: impl FnOnce(ByteString) -> MultiOp) -> Self {
        self.ops.push(op, path, self.client.server_path(path).map(record));
        self
    }

    /// Sends the request.
    ///
    /// The reply has one outcome for each operation, in their order. [`Error::Multi`] names the
    /// operation that failed; nothing was done then. After [`Error::outcome_unknown`] all of it
    /// may have been done, or none.
    ///
    /// # Cancel safety
    /// Dropping the reply does not take the request back.
    pub fn commit(self) -> MultiReply {
        let about = self.client.about(OpCode::Multi, "/");
        let (ops, names) = self.ops.finish();
        let request = ops.map(|ops| Request::Multi(MultiRequest { ops }));
        let reply = self.client.submit(request, about, |about, answer| {
            let MultiResponse { results } = about.decode(answer)?;
            let chroot = &about.chroot;
            Ok(results
                .into_iter()
                .map(|result| outcome(result, |path| chroot.inward(path)))
                .collect())
        });
        MultiReply { reply, names }
    }
}

/// The reply to a [`Multi`] that is on its way.
#[must_use = "a reply that is dropped tells nobody how the request went"]
#[derive(Debug)]
pub struct MultiReply {
    reply: Reply<Vec<Result<MultiOutcome, ErrorCode>>>,
    names: Names,
}

impl Future for MultiReply {
    type Output = Result<Vec<MultiOutcome>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let results = ready!(Pin::new(&mut self.reply).poll(cx));
        Poll::Ready(results.and_then(|results| all_or_first_error(results, &self.names)))
    }
}

/// A failed multi has no error before the operation that failed, and "not tried" behind it
/// (`FinalRequestProcessor`).
fn all_or_first_error(
    results: Vec<Result<MultiOutcome, ErrorCode>>,
    names: &[(OpCode, ByteString)],
) -> Result<Vec<MultiOutcome>, Error> {
    if results.len() != names.len() {
        return Err(Error::Protocol(Violation::MultiMismatch));
    }
    let failed = results.iter().zip(names).enumerate().find_map(|(index, (result, name))| {
        let code = result.as_ref().err().filter(|code| **code != ErrorCode::Ok)?;
        Some((index, name, *code))
    });
    if let Some((index, (op, path), code)) = failed {
        return Err(Error::Multi { index, op: *op, path: path.clone(), code });
    }
    results
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|_| Error::Protocol(Violation::MultiMismatch))
}

fn outcome(
    result: MultiResult,
    inward: impl Fn(ByteString) -> ByteString,
) -> Result<MultiOutcome, ErrorCode> {
    Ok(match result {
        MultiResult::Create(created) => {
            MultiOutcome::Created { path: inward(created.path), stat: None }
        }
        MultiResult::Create2(created) => {
            MultiOutcome::Created { path: inward(created.path), stat: Some(created.stat) }
        }
        MultiResult::Delete(_) => MultiOutcome::Deleted,
        MultiResult::SetData(set) => MultiOutcome::Set(set.stat),
        MultiResult::Check(_) => MultiOutcome::Checked,
        MultiResult::Error(ErrorResponse { err }) => return Err(err),
        // The list of results may grow in zk-proto; a client of this version asks for no others.
        _ => return Err(ErrorCode::MarshallingError),
    })
}

impl IntoFuture for Multi<'_> {
    type Output = Result<Vec<MultiOutcome>, Error>;
    type IntoFuture = MultiReply;

    fn into_future(self) -> Self::IntoFuture {
        self.commit()
    }
}

use std::time::Duration;

use bytes::Bytes;
use zk_proto::message::{Create2Response, CreateRequest, CreateTtlRequest, MultiOp};
use zk_proto::op::Request;
use zk_proto::{Acl, ByteString, CreateMode, OpCode, Stat};

use super::Client;
use super::call::call;
use super::node_data::NodeData;
use crate::error::Error;
use crate::reply::Reply;

/// A node to create. Made by [`Client::create`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Debug)]
pub struct Create<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
    pub(super) data: NodeData,
    pub(super) mode: CreateMode,
    pub(super) acl: Vec<Acl>,
    pub(super) ttl: Option<Duration>,
}

/// A node that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Created {
    /// Its path, with the sequence number if there is one.
    pub path: ByteString,
    /// Its state.
    pub stat: Stat,
}

impl<'a> Create<'a> {
    pub(super) fn new(client: &'a Client, path: &'a str, data: Bytes) -> Self {
        let data = NodeData(data);
        Self { client, path, data, mode: CreateMode::Persistent, acl: Acl::open(), ttl: None }
    }

    /// What kind of node. Default: persistent.
    ///
    /// Containers are there since ZooKeeper 3.5.1. A mode with a time to live needs
    /// [`ttl`](Self::ttl).
    pub const fn mode(mut self, mode: CreateMode) -> Self {
        self.mode = mode;
        self
    }

    /// Who may do what with the node. Default: everybody everything.
    pub fn acl(mut self, acl: Vec<Acl>) -> Self {
        self.acl = acl;
        self
    }

    /// Lets the server remove the node when it has no children and was not changed for this
    /// long: 1 ms to 1,099,511,627,775 ms, almost 35 years. What is below a millisecond is cut off.
    ///
    /// A persistent mode becomes the mode with a time to live; others are refused with
    /// [`Error::BadArguments`]. Needs ZooKeeper 3.5.3, and a server that has
    /// `zookeeper.extendedTypesEnabled` switched on: by default it answers `Unimplemented`.
    #[doc(alias = "PERSISTENT_WITH_TTL")]
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Sends the request.
    ///
    /// The reply's errors: `NodeExists`, `NoNode` (no parent), `NoChildrenForEphemerals` (of the
    /// parent), `InvalidAcl`, `NoAuth`, `Unimplemented` (see [`mode`](Self::mode) and
    /// [`ttl`](Self::ttl)), [`Error::BadArguments`], and those of every operation. After
    /// [`Error::outcome_unknown`] the node may have been created.
    pub fn send(self) -> Reply<Created> {
        let client = self.client;
        let about = client.about(self.op_code(), self.path);
        client.submit(self.record().map(Request::from), about, |about, answer| {
            let Create2Response { path, stat } = about.decode(answer)?;
            Ok(Created { path: about.chroot.inward(path), stat })
        })
    }

    pub(super) const fn op_code(&self) -> OpCode {
        match (self.mode, self.ttl) {
            (CreateMode::Container, _) => OpCode::CreateContainer,
            (mode, None) if !mode.has_ttl() => OpCode::Create2,
            (_, _) => OpCode::CreateTtl,
        }
    }

    /// What goes out, if the mode and the time to live fit.
    pub(super) fn record(self) -> Result<CreateRecord, Error> {
        let path = self.client.create_path(self.path, self.mode)?;
        let (data, acl) = (Some(self.data.0), Some(self.acl));
        let Some(ttl) = self.ttl else {
            if self.mode.has_ttl() {
                return Err(Error::BadArguments { reason: "the mode needs a time to live" });
            }
            let request = CreateRequest { path, data, acl, flags: self.mode.flags() };
            return Ok(match self.mode {
                CreateMode::Container => CreateRecord::Container(request),
                _ => CreateRecord::Create2(request),
            });
        };
        let flags = with_ttl(self.mode)?.flags();
        let ttl = milliseconds(ttl)?;
        Ok(CreateRecord::Ttl(CreateTtlRequest { path, data, acl, flags, ttl }))
    }
}

call!(Create => Created);

/// The record that makes a node, which decides with its flags what is made: with create2 a
/// container would be a plain node (`PrepRequestProcessor`).
pub(super) enum CreateRecord {
    Create2(CreateRequest),
    Container(CreateRequest),
    Ttl(CreateTtlRequest),
}

impl From<CreateRecord> for Request {
    fn from(record: CreateRecord) -> Self {
        match record {
            CreateRecord::Create2(request) => Self::Create2(request),
            CreateRecord::Container(request) => Self::CreateContainer(request),
            CreateRecord::Ttl(request) => Self::CreateTtl(request),
        }
    }
}

impl From<CreateRecord> for MultiOp {
    fn from(record: CreateRecord) -> Self {
        match record {
            CreateRecord::Create2(request) => Self::Create2(request),
            CreateRecord::Container(request) => Self::CreateContainer(request),
            CreateRecord::Ttl(request) => Self::CreateTtl(request),
        }
    }
}

const fn with_ttl(mode: CreateMode) -> Result<CreateMode, Error> {
    match mode {
        CreateMode::Persistent | CreateMode::PersistentWithTtl => Ok(CreateMode::PersistentWithTtl),
        CreateMode::PersistentSequential | CreateMode::PersistentSequentialWithTtl => {
            Ok(CreateMode::PersistentSequentialWithTtl)
        }
        _ => Err(Error::BadArguments { reason: "only a persistent node can have a time to live" }),
    }
}

/// Servers have five bytes for it, and refuse none at all (`EphemeralType.TTL`).
fn milliseconds(ttl: Duration) -> Result<i64, Error> {
    i64::try_from(ttl.as_millis())
        .ok()
        .filter(|ttl| (1..=LONGEST_TTL).contains(ttl))
        .ok_or(Error::BadArguments { reason: "a time to live is 1 ms to 1,099,511,627,775 ms" })
}

const LONGEST_TTL: i64 = 0xff_ffff_ffff;

use bytes::Bytes;
use zk_proto::message::{Create2Response, CreateRequest};
use zk_proto::op::Request;
use zk_proto::{Acl, ByteString, CreateMode, OpCode, Stat};

use super::Client;
use super::call::call;
use crate::reply::Reply;

/// A node to create. Made by [`Client::create`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Debug)]
pub struct Create<'a> {
    client: &'a Client,
    path: &'a str,
    data: Bytes,
    mode: CreateMode,
    acl: Vec<Acl>,
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
        Self { client, path, data, mode: CreateMode::Persistent, acl: Acl::open() }
    }

    /// What kind of node. Default: persistent. Modes with a time to live need a time, and are
    /// refused with `BadArguments`.
    pub const fn mode(mut self, mode: CreateMode) -> Self {
        self.mode = mode;
        self
    }

    /// Who may do what with the node. Default: everybody everything.
    pub fn acl(mut self, acl: Vec<Acl>) -> Self {
        self.acl = acl;
        self
    }

    /// Sends the request.
    ///
    /// The reply's errors: `NodeExists`, `NoNode` (no parent), `NoChildrenForEphemerals` (of the
    /// parent), `InvalidAcl`, `NoAuth`, and those of every operation. After
    /// [`Error::outcome_unknown`](crate::Error::outcome_unknown) the node may have been created.
    pub fn send(self) -> Reply<Created> {
        let op = match self.mode {
            CreateMode::Container => OpCode::CreateContainer,
            _ => OpCode::Create2,
        };
        let about = self.client.about(op, self.path);
        let request = self.client.create_path(self.path, self.mode).map(|path| {
            let request = CreateRequest {
                path,
                data: Some(self.data),
                acl: Some(self.acl),
                flags: self.mode.flags(),
            };
            match self.mode {
                CreateMode::Container => Request::CreateContainer(request),
                _ => Request::Create2(request),
            }
        });
        self.client.submit(request, about, |about, answer| {
            let Create2Response { path, stat } = about.decode(answer)?;
            Ok(Created { path: about.chroot.inward(path), stat })
        })
    }
}

call!(Create => Created);

use zk_proto::message::{GetAclRequest, GetAclResponse, SetAclRequest, SetAclResponse};
use zk_proto::op::Request;
use zk_proto::{Acl, OpCode, Stat, Version};

use super::Client;
use super::call::call;
use crate::reply::Reply;

/// A read of a node's ACL. Made by [`Client::get_acl`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Clone, Copy, Debug)]
pub struct GetAcl<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
}

impl GetAcl<'_> {
    /// Sends the request.
    ///
    /// The reply is the ACL and the node's state. Whoever may not change the ACL sees `x` in the
    /// place of each digest (CVE-2019-0201), so that what was read must not be set again then. Its
    /// errors: `NoNode`, `NoAuth` (neither `READ` nor `ADMIN`), and those of every operation.
    pub fn send(self) -> Reply<(Vec<Acl>, Stat)> {
        let about = self.client.about(OpCode::GetAcl, self.path);
        let request =
            self.client.server_path(self.path).map(|path| Request::GetAcl(GetAclRequest { path }));
        self.client.submit(request, about, |about, answer| {
            about.decode(answer).map(|GetAclResponse { acl, stat }| (acl, stat))
        })
    }
}

call!(GetAcl => (Vec<Acl>, Stat));

/// An ACL to be set. Made by [`Client::set_acl`].
#[must_use = "nothing is sent until it is awaited, or `send` is called"]
#[derive(Debug)]
pub struct SetAcl<'a> {
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
    pub(super) acl: Vec<Acl>,
    pub(super) version: Version,
}

impl SetAcl<'_> {
    /// Only if the node's ACL has this version, `aversion` in its state. Default: any.
    pub const fn version(mut self, aversion: Version) -> Self {
        self.version = aversion;
        self
    }

    /// Sends the request.
    ///
    /// The reply is the node's new state. Its errors: `NoNode`, `BadVersion`, `NoAuth` (no
    /// `ADMIN`), `InvalidAcl` (empty, or it names nobody that the server knows), and those of
    /// every operation. After [`Error::outcome_unknown`](crate::Error::outcome_unknown) the ACL
    /// may have been set.
    pub fn send(self) -> Reply<Stat> {
        let about = self.client.about(OpCode::SetAcl, self.path);
        let request = self.client.server_path(self.path).map(|path| {
            let acl = Some(self.acl);
            Request::SetAcl(SetAclRequest { path, acl, version: self.version })
        });
        self.client.submit(request, about, |about, answer| {
            about.decode(answer).map(|SetAclResponse { stat }| stat)
        })
    }
}

call!(SetAcl => Stat);

//! The handle: what users hold, clone and call.

mod acl;
mod add_watch;
mod all_children_number;
mod auth;
mod call;
mod children;
mod children_with_data;
mod config;
mod create;
mod create_steps;
mod data;
mod delete;
mod delete_recursive;
mod delete_steps;
mod ephemerals;
mod exists;
mod extension;
mod follow;
mod gathered;
mod janitor;
mod lease;
mod leaving;
mod multi;
mod multi_read;
mod node_data;
mod parents;
mod set_steps;
mod steps;
mod sync;
mod views;
mod wait_until;
mod who_am_i;

pub use acl::{GetAcl, SetAcl};
pub use add_watch::AddWatch;
pub use all_children_number::AllChildrenNumber;
pub use auth::AddAuth;
pub use call::Watched;
pub use children::{Children, ChildrenWithStat};
pub use children_with_data::{ChildWithData, ChildrenWithData};
pub use config::{GetConfig, Reconfig, WatchedConfig};
pub use create::{Create, Created};
pub use create_steps::CreateSteps;
pub use data::{Get, Set};
pub use delete::Delete;
pub use delete_recursive::DeleteRecursive;
pub use delete_steps::{GuaranteedDelete, IdempotentDelete};
pub use ephemerals::GetEphemerals;
pub use exists::Exists;
pub use extension::WeakClient;
pub use janitor::Janitor;
pub use multi::{Multi, MultiOutcome, MultiReply};
pub use multi_read::{MultiRead, MultiReadOutcome, MultiReadReply};
pub use set_steps::{IdempotentSet, SetOrCreate};
pub use steps::Steps;
pub use sync::Sync;
pub use wait_until::{WaitUntilAbsent, WaitUntilExists};
pub use who_am_i::WhoAmI;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle as Runtime;
use tokio::sync::watch;
use zk_proto::op::Request;
use zk_proto::{Acl, AddWatchMode, ByteString, CreateMode, OpCode, SessionId, Version, ZPath};

use extension::Extensions;
use janitor::Todo;

use node_data::NodeData;

use crate::chroot::Chroot;
use crate::connect_string::hosts_only;
use crate::error::Error;
use crate::options::ClientBuilder;
use crate::reply::{About, ReadReply, Reply, Watch, WatchedReply};
use crate::session::{Source, SubmitError, watch_wanted};
use crate::shared_session::{ReplyReceiver, SharedSession, WatchSlot};
use crate::state::{Generation, SessionState};

/// A session with a ZooKeeper ensemble.
///
/// Clones are cheap and share the session. Calls return builders: awaiting one sends it and
/// waits for the reply; `send` only sends it, so that several requests are under way at once.
/// Requests reach the server in the order in which they were sent.
///
/// When the last clone is dropped the session is closed in the background, so that its ephemeral
/// nodes go at once; [`close`](Self::close) does the same and tells how it went.
#[derive(Clone)]
#[doc(alias = "ZooKeeper")]
#[doc(alias = "CuratorFramework")]
pub struct Client {
    handle: Arc<Handle>,
    chroot: Chroot,
    /// The generation of the only session that this handle is for, if it is bound to one.
    bound: Option<Generation>,
}

/// Closes the session when the last clone goes.
struct Handle {
    shared: Arc<SharedSession>,
    extensions: Extensions,
    janitor: OnceLock<Arc<Todo>>,
    /// Where the client was made, and its tasks run.
    runtime: Runtime,
}

impl Client {
    pub(crate) fn new(shared: Arc<SharedSession>, chroot: ZPath, runtime: Runtime) -> Self {
        Self {
            handle: Arc::new(Handle {
                shared,
                extensions: Extensions::default(),
                janitor: OnceLock::new(),
                runtime,
            }),
            chroot: Chroot::new(chroot),
            bound: None,
        }
    }

    /// Connects with default settings: `"zk1:2181,zk2:2181,zk3:2181/chroot"`.
    ///
    /// # Errors
    /// As [`ClientBuilder::connect`].
    ///
    /// # Cancel safety
    /// As [`ClientBuilder::connect`].
    pub async fn connect(connect_string: impl Into<String>) -> Result<Self, Error> {
        Self::builder(connect_string).connect().await
    }

    /// Settings for a connection to the hosts of a connect string.
    pub fn builder(connect_string: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(connect_string)
    }

    /// Creates a node, persistent unless [`Create::mode`] says otherwise. The data may be empty.
    pub fn create<'a>(&'a self, path: &'a str, data: impl Into<Bytes>) -> Create<'a> {
        Create::new(self, path, data.into())
    }

    /// Deletes a node that has no children.
    pub const fn delete<'a>(&'a self, path: &'a str) -> Delete<'a> {
        Delete { client: self, path, version: Version::ANY }
    }

    /// Reads a node's data and state.
    #[doc(alias = "getData")]
    pub const fn get<'a>(&'a self, path: &'a str) -> Get<'a> {
        Get { client: self, path }
    }

    /// Sets a node's data.
    #[doc(alias = "setData")]
    pub fn set<'a>(&'a self, path: &'a str, data: impl Into<Bytes>) -> Set<'a> {
        Set { client: self, path, data: NodeData(data.into()), version: Version::ANY }
    }

    /// Sets a node's data, and creates the node if there is none.
    #[doc(alias = "orSetData")]
    pub fn set_or_create<'a>(&'a self, path: &'a str, data: impl Into<Bytes>) -> SetOrCreate<'a> {
        SetOrCreate::new(self, path, data.into())
    }

    /// Asks whether a node exists, and for its state.
    #[doc(alias = "stat")]
    pub const fn exists<'a>(&'a self, path: &'a str) -> Exists<'a> {
        Exists { client: self, path }
    }

    /// Lists the names of a node's children, in no order.
    #[doc(alias = "getChildren")]
    pub const fn children<'a>(&'a self, path: &'a str) -> Children<'a> {
        Children { client: self, path }
    }

    /// Lists a node's children with the data of each.
    pub const fn children_with_data<'a>(&'a self, path: &'a str) -> ChildrenWithData<'a> {
        ChildrenWithData::new(self, path)
    }

    /// Deletes a node and all that is below it.
    #[doc(alias = "deletingChildrenIfNeeded")]
    #[doc(alias = "ZKUtil.deleteRecursive")]
    pub const fn delete_recursive<'a>(&'a self, path: &'a str) -> DeleteRecursive<'a> {
        DeleteRecursive { client: self, path }
    }

    /// Waits until a node exists.
    pub const fn wait_until_exists<'a>(&'a self, path: &'a str) -> WaitUntilExists<'a> {
        WaitUntilExists { client: self, path, limit: None }
    }

    /// Waits until a node is gone.
    pub const fn wait_until_absent<'a>(&'a self, path: &'a str) -> WaitUntilAbsent<'a> {
        WaitUntilAbsent { client: self, path, limit: None }
    }

    /// Waits until the server has seen all that was committed before this call: a read that
    /// follows is not older.
    pub const fn sync<'a>(&'a self, path: &'a str) -> Sync<'a> {
        Sync { client: self, path }
    }

    /// Several writes that are done all or none.
    #[doc(alias = "transaction")]
    pub fn multi(&self) -> Multi<'_> {
        Multi::new(self)
    }

    /// Several reads that are answered together, of one state of the tree.
    #[doc(alias = "multi")]
    pub const fn multi_read(&self) -> MultiRead<'_> {
        MultiRead::new(self)
    }

    /// Reads a node's ACL and state.
    #[doc(alias = "getACL")]
    pub const fn get_acl<'a>(&'a self, path: &'a str) -> GetAcl<'a> {
        GetAcl { client: self, path }
    }

    /// Sets a node's ACL.
    #[doc(alias = "setACL")]
    pub const fn set_acl<'a>(&'a self, path: &'a str, acl: Vec<Acl>) -> SetAcl<'a> {
        SetAcl { client: self, path, acl, version: Version::ANY }
    }

    /// Lists the ephemeral nodes of this session.
    #[doc(alias = "getEphemerals")]
    pub const fn get_ephemerals(&self) -> GetEphemerals<'_> {
        GetEphemerals { client: self, prefix: "/" }
    }

    /// Counts all nodes below one.
    #[doc(alias = "getAllChildrenNumber")]
    pub const fn all_children_number<'a>(&'a self, path: &'a str) -> AllChildrenNumber<'a> {
        AllChildrenNumber { client: self, path }
    }

    /// Adds an identity to this client, on top of those that it has:
    /// `add_auth("digest", "user:password")`. Nothing takes it away again. See
    /// [`ClientBuilder::auth`] to have it from the start.
    #[doc(alias = "addAuthInfo")]
    pub fn add_auth<'a>(&'a self, scheme: &'a str, auth: impl Into<Bytes>) -> AddAuth<'a> {
        AddAuth { client: self, scheme, auth: auth.into() }
    }

    /// Asks as whom the server knows this client.
    #[doc(alias = "whoAmI")]
    pub const fn who_am_i(&self) -> WhoAmI<'_> {
        WhoAmI { client: self }
    }

    /// Reads the configuration of the ensemble. The chroot does not apply to it.
    #[doc(alias = "getConfig")]
    pub const fn get_config(&self) -> GetConfig<'_> {
        GetConfig { client: self }
    }

    /// Changes the members of the ensemble.
    #[doc(alias = "reconfigure")]
    #[doc(alias = "ZooKeeperAdmin")]
    pub const fn reconfig(&self) -> Reconfig<'_> {
        Reconfig::new(self)
    }

    /// Listens to a node, or to everything below it as well: a stream of what happens.
    #[doc(alias = "addWatch")]
    pub const fn watch<'a>(&'a self, path: &'a str, mode: AddWatchMode) -> AddWatch<'a> {
        AddWatch::new(self, path, mode)
    }

    /// Takes another list of hosts, `"zk1:2181,zk2:2181"`, for this session: the list before does
    /// not count any more. It is used from the next attempt to connect on.
    ///
    /// When hosts have come or gone, the session may have to move so that the clients of an
    /// ensemble stay evenly spread over its servers. Whether it does is drawn by the rule of
    /// ZooKeeper's own client (`StaticHostProvider.updateServerList`). A session that moves does
    /// so within a second: it waits until what it has asked is answered, at most 5 s or a sixth of
    /// its timeout, and goes on with the next server; requests wait in the meantime. Its
    /// [state](Self::state) is `Disconnected` for that moment.
    ///
    /// # Errors
    /// [`Error::BadConnectString`] when it is no list of hosts, has none, or a chroot.
    #[doc(alias = "updateServerList")]
    pub fn update_hosts(&self, hosts: &str) -> Result<(), Error> {
        self.handle.shared.update_hosts(hosts_only(hosts)?, Source::User);
        Ok(())
    }

    /// Where the session stands, now and whenever that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<SessionState> {
        self.handle.shared.subscribe()
    }

    /// The session's id, as the server's logs print it; [`SessionId::NONE`] while there is none.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.handle.shared.with_session(|session| session.id())
    }

    /// Why the last connection, or the last attempt at one, came to nothing, in words for people.
    /// `None` while there is a connection, and before anything went wrong.
    ///
    /// For logs and health checks: when a request times out because no server was to be had, this
    /// says what stands in the way, such as servers that have seen less than this client.
    #[must_use]
    pub fn connection_trouble(&self) -> Option<String> {
        self.handle.shared.last_trouble()
    }

    /// The negotiated session timeout.
    #[must_use]
    pub fn session_timeout(&self) -> Duration {
        self.handle.shared.with_session(|session| session.timeout())
    }

    /// How long one operation may take; see [`ClientBuilder::operation_timeout`].
    #[must_use]
    pub fn operation_timeout(&self) -> Duration {
        self.handle.shared.with_session(|session| session.request_timeout())
    }

    pub(crate) fn submit<T>(
        &self,
        request: Result<Request, Error>,
        about: About,
        read: ReadReply<T>,
    ) -> Reply<T> {
        let request = match request {
            Ok(request) => request,
            Err(error) => return Reply::refused(error, about, read),
        };
        match self.handle.shared.submit(self.bound, &request, None) {
            Ok(receiver) => Reply::due(receiver, about.asked(request), read),
            Err(error) => Reply::refused(error.into(), about, read),
        }
    }

    fn submit_with<T>(
        &self,
        about: About,
        submit: impl FnOnce(&SharedSession) -> Result<ReplyReceiver, SubmitError>,
        read: ReadReply<T>,
    ) -> Reply<T> {
        match submit(&self.handle.shared) {
            Ok(receiver) => Reply::due(receiver, about, read),
            Err(error) => Reply::refused(error.into(), about, read),
        }
    }

    pub(crate) fn submit_watched<T>(
        &self,
        request: Result<Request, Error>,
        about: About,
        read: ReadReply<T>,
    ) -> WatchedReply<T> {
        let (slot, receiver) = WatchSlot::new(self.bound.is_some());
        let place = request.as_ref().ok().and_then(watch_wanted);
        let place = place.map(|(path, table)| (path.clone(), table));
        let sent = request.and_then(|request| {
            let receiver = self.handle.shared.submit(self.bound, &request, Some(slot))?;
            Ok((receiver, request))
        });
        let watch = Watch {
            receiver,
            shared: Arc::clone(&self.handle.shared),
            chroot: self.chroot.clone(),
            bound: self.bound,
            place,
        };
        let reply = match sent {
            Ok((receiver, request)) => Reply::due(receiver, about.asked(request), read),
            Err(error) => Reply::refused(error, about, read),
        };
        WatchedReply { reply, watch: Some(watch) }
    }

    pub(crate) fn about(&self, op: OpCode, path: &str) -> About {
        About { op, path: path.into(), chroot: self.chroot.clone() }
    }

    /// As [`Self::about`], for a request that names the path, too: it is not copied if the request
    /// can do without it.
    pub(super) fn about_node(&self, op: OpCode, path: &str) -> About {
        let path = if self.chroot.is_root() { ByteString::new() } else { path.into() };
        About { op, path, chroot: self.chroot.clone() }
    }

    /// A handle to the same session, whose paths are the server's.
    pub(crate) fn without_chroot(&self) -> Self {
        Self { chroot: Chroot::new(ZPath::ROOT), ..self.clone() }
    }

    /// A handle without any limits: the server's paths, and whatever session there is.
    pub(crate) fn whole(&self) -> Self {
        Self { bound: None, ..self.without_chroot() }
    }

    /// The beginning of paths as the server knows them.
    pub(crate) fn server_prefix(&self, prefix: &str) -> Result<ByteString, Error> {
        self.chroot.outward_prefix(prefix)
    }

    /// The path as the server knows it.
    pub(crate) fn server_path(&self, path: &str) -> Result<ByteString, Error> {
        self.chroot.outward(path)
    }

    /// The path as the server knows it, for a create.
    pub(crate) fn create_path(&self, path: &str, mode: CreateMode) -> Result<ByteString, Error> {
        if mode.is_sequential() {
            self.chroot.outward_sequential(path)
        } else {
            self.chroot.outward(path)
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("session", &self.session_id())
            .field("state", &self.handle.shared.state())
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close_unheard();
    }
}

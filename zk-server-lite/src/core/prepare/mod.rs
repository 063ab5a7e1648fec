//! Checks a write and decides what it does (`PrepRequestProcessor`).
//!
//! The order of the checks is ZooKeeper's; the first that fails decides the error.

mod multi;

use zk_proto::message::{
    CheckVersionRequest, CreateRequest, CreateTtlRequest, DeleteRequest, MultiOp, SetAclRequest,
    SetDataRequest,
};
use zk_proto::path::{sequence_suffix, validate};
use zk_proto::{ByteString, CreateMode, ErrorCode, Permissions, SessionId, Version};

use super::acl::{Caller, fix_up};
use super::data_tree::{SPECIAL, parent_of};
use super::ephemeral_type::Ttl;
use super::outstanding::{Outstanding, length};
use super::quota::Usage;
use super::txn::{CreateTxn, TxnBody};
use super::{DataTree, Replica};
pub(crate) use multi::is_unreadable_at_once;

/// A request that changes the state, or tries to.
#[derive(Clone, Debug)]
pub(crate) enum WriteRequest {
    /// Starts a session.
    CreateSession {
        /// Milliseconds.
        timeout: i32,
    },
    /// Ends the session that asks.
    CloseSession,
    /// Creates a node.
    Create(CreateRequest),
    /// Creates a node, and wants to know its state.
    Create2(CreateRequest),
    /// Creates a container.
    CreateContainer(CreateRequest),
    /// Creates a node with a time to live.
    CreateTtl(CreateTtlRequest),
    /// Deletes a node.
    Delete(DeleteRequest),
    /// Removes a container without children, or a node whose time to live is over. Only the
    /// server itself asks for it.
    DeleteContainer {
        /// Which.
        path: ByteString,
    },
    /// Sets a node's data.
    SetData(SetDataRequest),
    /// Sets a node's ACL.
    SetAcl(SetAclRequest),
    /// Several of them or none.
    Multi(Vec<MultiOp>),
    /// Presets the counter of a node's children. Only the one who holds the server asks for it.
    SetCversion {
        /// Whose.
        path: ByteString,
        /// How many children are said to have been created.
        cversion: i32,
    },
    /// Changes the members of the ensemble, which a server that stands alone does not have.
    Reconfig,
    /// Was refused before it could be looked at, and has a zxid nonetheless.
    Refused(ErrorCode),
}

/// What is off in a ZooKeeper that nobody has configured.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Features {
    /// Nodes with a time to live (`zookeeper.extendedTypesEnabled`).
    pub(crate) extended_types: bool,
    /// Whether limits of quotas are more than words (`zookeeper.enforceQuota`).
    pub(crate) enforce_quota: bool,
    /// Changes of the ensemble (`zookeeper.reconfigEnabled`).
    pub(crate) reconfig_enabled: bool,
    /// Whether clients may show certificates (`secureClientPort`), so that lists can name them.
    pub(crate) x509: bool,
    /// What access lists may name beside what they always may.
    pub(crate) sasl: SaslScheme,
}

/// Whether users of SASL can be named in access lists (`authProvider.N`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SaslScheme {
    /// The scheme is as unknown as any other word.
    #[default]
    Unknown,
    /// It is one of those that there are.
    Known,
}

impl Replica {
    /// Decides what a write does.
    ///
    /// # Errors
    /// The code with which the write is refused; the refusal is a transaction, too.
    pub(crate) fn prepare(
        &self,
        caller: &Caller,
        request: WriteRequest,
        features: Features,
    ) -> Result<TxnBody, ErrorCode> {
        let state = Outstanding::new(self.tree(), features);
        match request {
            WriteRequest::CreateSession { timeout } => Ok(TxnBody::CreateSession { timeout }),
            WriteRequest::CloseSession => Ok(close_session(self.tree(), caller.session)),
            WriteRequest::Create(request) => create(&state, caller, request).map(TxnBody::Create),
            WriteRequest::Create2(request) => create(&state, caller, request).map(TxnBody::Create2),
            WriteRequest::CreateContainer(request) => create_container(&state, caller, request),
            WriteRequest::CreateTtl(request) => create_ttl(&state, caller, request),
            WriteRequest::Delete(request) => delete(&state, caller, request),
            WriteRequest::DeleteContainer { path } => delete_container(&state, path),
            WriteRequest::SetData(request) => set_data(&state, caller, request),
            WriteRequest::SetAcl(request) => set_acl(&state, caller, request),
            WriteRequest::Multi(ops) => multi::multi(state, caller, ops),
            WriteRequest::SetCversion { path, cversion } => set_cversion(&state, path, cversion),
            // A server that stands alone cannot do it even if it may.
            WriteRequest::Reconfig if features.reconfig_enabled => Err(ErrorCode::Unimplemented),
            WriteRequest::Reconfig => Err(ErrorCode::ReconfigDisabled),
            WriteRequest::Refused(code) => Err(code),
        }
    }
}

fn close_session(tree: &DataTree, session: SessionId) -> TxnBody {
    TxnBody::CloseSession { paths: tree.ephemerals(session).cloned().collect() }
}

/// create and create2. With the flags of a container they make a plain node: what their
/// transaction can tell is whether it is ephemeral.
fn create(
    state: &Outstanding<'_>,
    caller: &Caller,
    request: CreateRequest,
) -> Result<CreateTxn, ErrorCode> {
    let mode = mode_of(&request, state.features)?;
    create_in_mode(state, caller, request, mode)
}

/// Whatever the flags say besides the number, it is a container: it does not go with a session.
fn create_container(
    state: &Outstanding<'_>,
    caller: &Caller,
    request: CreateRequest,
) -> Result<TxnBody, ErrorCode> {
    let txn = create(state, caller, request)?;
    Ok(TxnBody::CreateContainer(CreateTxn { ephemeral: false, ..txn }))
}

fn create_ttl(
    state: &Outstanding<'_>,
    caller: &Caller,
    request: CreateTtlRequest,
) -> Result<TxnBody, ErrorCode> {
    let (mode, ttl) = mode_with_ttl(&request, state.features)?;
    let CreateTtlRequest { path, data, acl, flags, ttl: _ } = request;
    let txn = create_in_mode(state, caller, CreateRequest { path, data, acl, flags }, mode)?;
    Ok(TxnBody::CreateTtl(txn, ttl))
}

/// The mode of a record that cannot tell a time to live, so that modes that need one are wrong.
pub(crate) fn mode_of(
    request: &CreateRequest,
    features: Features,
) -> Result<CreateMode, ErrorCode> {
    let mode = CreateMode::from_flags(request.flags).ok_or(ErrorCode::BadArguments)?;
    match (mode.has_ttl(), features.extended_types) {
        (false, _) => Ok(mode),
        (true, false) => Err(ErrorCode::Unimplemented),
        (true, true) => Err(ErrorCode::BadArguments),
    }
}

/// Mode and time to live of a record that has both. Where extended types are off, whatever the
/// time is, that is the answer. The original takes a negative time with a mode that needs none,
/// and breaks down when it applies that; here it is wrong like all others.
pub(crate) fn mode_with_ttl(
    request: &CreateTtlRequest,
    features: Features,
) -> Result<(CreateMode, Ttl), ErrorCode> {
    let mode = CreateMode::from_flags(request.flags).ok_or(ErrorCode::BadArguments)?;
    if !mode.has_ttl() {
        return Err(ErrorCode::BadArguments);
    }
    if !features.extended_types {
        return Err(ErrorCode::Unimplemented);
    }
    Ttl::from_ms(request.ttl).map(|ttl| (mode, ttl)).ok_or(ErrorCode::BadArguments)
}

fn create_in_mode(
    state: &Outstanding<'_>,
    caller: &Caller,
    request: CreateRequest,
    mode: CreateMode,
) -> Result<CreateTxn, ErrorCode> {
    if request.path.contains('\0') {
        return Err(ErrorCode::BadArguments);
    }
    let parent = parent_of(&request.path).ok_or(ErrorCode::BadArguments)?;
    let acl = fix_up(request.acl, &caller.ids, state.features)?;
    let parent = state.node(parent).ok_or(ErrorCode::NoNode)?;
    caller.check_acl(Permissions::CREATE, &parent.acl)?;
    let path = if mode.is_sequential() {
        ByteString::from(format!("{}{}", request.path, sequence_suffix(parent.cversion)))
    } else {
        request.path
    };
    validate(&path).map_err(|_| ErrorCode::BadArguments)?;
    if state.node(&path).is_some() {
        return Err(ErrorCode::NodeExists);
    }
    if parent.ephemeral {
        return Err(ErrorCode::NoChildrenForEphemerals);
    }
    state.check_quota(&path, Usage { nodes: 1, bytes: length(request.data.as_ref()) })?;
    Ok(CreateTxn {
        path,
        data: request.data,
        acl,
        ephemeral: mode.is_ephemeral(),
        parent_cversion: parent.cversion.wrapping_add(1),
    })
}

fn delete(
    state: &Outstanding<'_>,
    caller: &Caller,
    request: DeleteRequest,
) -> Result<TxnBody, ErrorCode> {
    let path = request.path;
    if path.contains('\0') || SPECIAL.contains(&&*path) {
        return Err(ErrorCode::BadArguments);
    }
    let parent = parent_of(&path).ok_or(ErrorCode::BadArguments)?;
    let parent = state.node(parent).ok_or(ErrorCode::NoNode)?;
    caller.check_acl(Permissions::DELETE, &parent.acl)?;
    let node = state.node(&path).ok_or(ErrorCode::NoNode)?;
    check_version(request.version, node.version)?;
    if node.children > 0 {
        return Err(ErrorCode::NotEmpty);
    }
    Ok(TxnBody::Delete { path })
}

/// No version and no permission is asked for; whoever has become ephemeral or got children since
/// the cleaner looked is spared.
fn delete_container(state: &Outstanding<'_>, path: ByteString) -> Result<TxnBody, ErrorCode> {
    if path.contains('\0') || SPECIAL.contains(&&*path) {
        return Err(ErrorCode::BadArguments);
    }
    let node = state.node(&path).ok_or(ErrorCode::NoNode)?;
    if node.children > 0 {
        return Err(ErrorCode::NotEmpty);
    }
    if node.ephemeral {
        return Err(ErrorCode::BadVersion);
    }
    Ok(TxnBody::DeleteContainer { path })
}

fn set_data(
    state: &Outstanding<'_>,
    caller: &Caller,
    request: SetDataRequest,
) -> Result<TxnBody, ErrorCode> {
    validate(&request.path).map_err(|_| ErrorCode::BadArguments)?;
    let node = state.node(&request.path).ok_or(ErrorCode::NoNode)?;
    caller.check_acl(Permissions::WRITE, &node.acl)?;
    let bytes = length(request.data.as_ref()).wrapping_sub(node.data_length);
    state.check_quota(&request.path, Usage { nodes: 0, bytes })?;
    check_version(request.version, node.version)?;
    Ok(TxnBody::SetData {
        path: request.path,
        data: request.data,
        version: next_version(node.version),
    })
}

fn set_acl(
    state: &Outstanding<'_>,
    caller: &Caller,
    request: SetAclRequest,
) -> Result<TxnBody, ErrorCode> {
    validate(&request.path).map_err(|_| ErrorCode::BadArguments)?;
    let acl = fix_up(request.acl, &caller.ids, state.features)?;
    let node = state.node(&request.path).ok_or(ErrorCode::NoNode)?;
    caller.check_acl(Permissions::ADMIN, &node.acl)?;
    check_version(request.version, node.aversion)?;
    Ok(TxnBody::SetAcl { path: request.path, acl, version: next_version(node.aversion) })
}

/// No permission is asked for, and every number will do: it is a fault that a test wants.
fn set_cversion(
    state: &Outstanding<'_>,
    path: ByteString,
    cversion: i32,
) -> Result<TxnBody, ErrorCode> {
    state.node(&path).ok_or(ErrorCode::NoNode)?;
    Ok(TxnBody::SetCversion { path, cversion })
}

fn check(
    state: &Outstanding<'_>,
    caller: &Caller,
    request: &CheckVersionRequest,
) -> Result<TxnBody, ErrorCode> {
    validate(&request.path).map_err(|_| ErrorCode::BadArguments)?;
    let node = state.node(&request.path).ok_or(ErrorCode::NoNode)?;
    caller.check_acl(Permissions::READ, &node.acl)?;
    check_version(request.version, node.version)?;
    Ok(TxnBody::Check)
}

fn check_version(expected: Version, present: Version) -> Result<(), ErrorCode> {
    if expected == Version::ANY || expected == present {
        Ok(())
    } else {
        Err(ErrorCode::BadVersion)
    }
}

/// Wraps around, and as up to 3.9 does not step over −1, the number that stands for any version
/// (ZOOKEEPER-4743 is later).
const fn next_version(present: Version) -> Version {
    Version(present.0.wrapping_add(1))
}

//! Checks a write and decides what it does (`PrepRequestProcessor`).
//!
//! The order of the checks is ZooKeeper's; the first that fails decides the error.

use zk_proto::message::{
    CheckVersionRequest, CreateRequest, CreateTtlRequest, DeleteRequest, MultiOp, SetAclRequest,
    SetDataRequest,
};
use zk_proto::path::{sequence_suffix, validate};
use zk_proto::{ByteString, CreateMode, ErrorCode, Permissions, SessionId, Version};

use super::acl::{Caller, fix_up};
use super::data_tree::{SPECIAL, parent_of};
use super::outstanding::Outstanding;
use super::txn::{CreateTxn, TxnBody};
use super::{DataTree, Replica};

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
    /// Creates a node with a time to live.
    CreateTtl(CreateTtlRequest),
    /// Deletes a node.
    Delete(DeleteRequest),
    /// Sets a node's data.
    SetData(SetDataRequest),
    /// Sets a node's ACL.
    SetAcl(SetAclRequest),
    /// Several of them or none.
    Multi(Vec<MultiOp>),
    /// Was refused before it could be looked at, and has a zxid nonetheless.
    Refused(ErrorCode),
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
    ) -> Result<TxnBody, ErrorCode> {
        let state = Outstanding::new(self.tree());
        match request {
            WriteRequest::CreateSession { timeout } => Ok(TxnBody::CreateSession { timeout }),
            WriteRequest::CloseSession => Ok(close_session(self.tree(), caller.session)),
            WriteRequest::Create(request) => create(&state, caller, request).map(TxnBody::Create),
            WriteRequest::Create2(request) => create(&state, caller, request).map(TxnBody::Create2),
            WriteRequest::CreateTtl(request) => Err(create_ttl(&request)),
            WriteRequest::Delete(request) => delete(&state, caller, request),
            WriteRequest::SetData(request) => set_data(&state, caller, request),
            WriteRequest::SetAcl(request) => set_acl(&state, caller, request),
            WriteRequest::Multi(ops) => multi(state, caller, ops),
            WriteRequest::Refused(code) => Err(code),
        }
    }
}

fn close_session(tree: &DataTree, session: SessionId) -> TxnBody {
    TxnBody::CloseSession { paths: tree.ephemerals(session).cloned().collect() }
}

fn create(
    state: &Outstanding<'_>,
    caller: &Caller,
    request: CreateRequest,
) -> Result<CreateTxn, ErrorCode> {
    let mode = CreateMode::from_flags(request.flags).ok_or(ErrorCode::BadArguments)?;
    // A time to live cannot be told with this record, so modes that need one are wrong here.
    if mode.has_ttl() {
        return Err(ErrorCode::BadArguments);
    }
    if request.path.contains('\0') {
        return Err(ErrorCode::BadArguments);
    }
    let parent = parent_of(&request.path).ok_or(ErrorCode::BadArguments)?;
    let acl = fix_up(request.acl, &caller.ids)?;
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
    Ok(CreateTxn {
        path,
        data: request.data,
        acl,
        // create and create2 with the flags of a container make a plain node.
        ephemeral: mode.is_ephemeral(),
        parent_cversion: parent.cversion.wrapping_add(1),
    })
}

/// Nodes with a time to live are an extended type, which servers have switched off by default.
const fn create_ttl(request: &CreateTtlRequest) -> ErrorCode {
    match CreateMode::from_flags(request.flags) {
        Some(mode) if mode.has_ttl() => ErrorCode::Unimplemented,
        Some(_) | None => ErrorCode::BadArguments,
    }
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

fn set_data(
    state: &Outstanding<'_>,
    caller: &Caller,
    request: SetDataRequest,
) -> Result<TxnBody, ErrorCode> {
    validate(&request.path).map_err(|_| ErrorCode::BadArguments)?;
    let node = state.node(&request.path).ok_or(ErrorCode::NoNode)?;
    caller.check_acl(Permissions::WRITE, &node.acl)?;
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
    let acl = fix_up(request.acl, &caller.ids)?;
    let node = state.node(&request.path).ok_or(ErrorCode::NoNode)?;
    caller.check_acl(Permissions::ADMIN, &node.acl)?;
    check_version(request.version, node.aversion)?;
    Ok(TxnBody::SetAcl { path: request.path, acl, version: next_version(node.aversion) })
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

/// Each operation is checked against what the ones before it will do. A multi that fails is no
/// error of its own: it becomes a transaction of errors.
fn multi(
    mut state: Outstanding<'_>,
    caller: &Caller,
    ops: Vec<MultiOp>,
) -> Result<TxnBody, ErrorCode> {
    if ops.iter().any(has_unknown_flags) {
        return Err(ErrorCode::MarshallingError);
    }
    let total = ops.len();
    let mut bodies = Vec::with_capacity(total);
    for op in ops {
        match sub_operation(&state, caller, op) {
            Ok(body) => {
                state.add(&body);
                bodies.push(body);
            }
            // Nothing but a null id is unreadable here, and that takes the whole multi down.
            Err(ErrorCode::MarshallingError) => return Err(ErrorCode::MarshallingError),
            Err(code) => return Ok(failed_multi(total, bodies.len(), code)),
        }
    }
    Ok(TxnBody::Multi(bodies))
}

fn sub_operation(
    state: &Outstanding<'_>,
    caller: &Caller,
    op: MultiOp,
) -> Result<TxnBody, ErrorCode> {
    match op {
        // Here, other than outside a multi, the flags of a container do ask for a container.
        MultiOp::Create(request) | MultiOp::Create2(request)
            if request.flags == CreateMode::Container.flags() =>
        {
            Err(ErrorCode::Unimplemented)
        }
        MultiOp::Create(request) => create(state, caller, request).map(TxnBody::Create),
        MultiOp::Create2(request) => create(state, caller, request).map(TxnBody::Create2),
        MultiOp::CreateTtl(request) => Err(create_ttl(&request)),
        MultiOp::Delete(request) => delete(state, caller, request),
        MultiOp::SetData(request) => set_data(state, caller, request),
        MultiOp::Check(request) => check(state, caller, &request),
        // And whatever the protocol learns later.
        MultiOp::CreateContainer(_) | _ => Err(ErrorCode::Unimplemented),
    }
}

/// Flags that are no mode at all make the whole multi unreadable (`MultiOperationRecord`).
fn has_unknown_flags(op: &MultiOp) -> bool {
    let flags = match op {
        MultiOp::Create(request)
        | MultiOp::Create2(request)
        | MultiOp::CreateContainer(request) => request.flags,
        MultiOp::CreateTtl(request) => request.flags,
        MultiOp::Delete(_) | MultiOp::SetData(_) | MultiOp::Check(_) | _ => return false,
    };
    CreateMode::from_flags(flags).is_none()
}

fn failed_multi(total: usize, failed: usize, code: ErrorCode) -> TxnBody {
    let codes = (0..total).map(|index| match index.cmp(&failed) {
        std::cmp::Ordering::Less => ErrorCode::Ok,
        std::cmp::Ordering::Equal => code,
        std::cmp::Ordering::Greater => ErrorCode::RuntimeInconsistency,
    });
    TxnBody::Multi(codes.map(TxnBody::Error).collect())
}

fn check_version(expected: Version, present: Version) -> Result<(), ErrorCode> {
    if expected == Version::ANY || expected == present {
        Ok(())
    } else {
        Err(ErrorCode::BadVersion)
    }
}

/// Wraps around, but steps over the number that stands for any version (ZOOKEEPER-4743).
fn next_version(present: Version) -> Version {
    match present.0.wrapping_add(1) {
        -1 => Version(0),
        next => Version(next),
    }
}

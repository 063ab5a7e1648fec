//! Several writes or none (`PrepRequestProcessor`, `MultiOperationRecord`).

use zk_proto::message::{CreateRequest, CreateTtlRequest, MultiOp};
use zk_proto::{CreateMode, ErrorCode};

use super::{
    Caller, Outstanding, TxnBody, check, create, create_container, create_ttl, delete, set_data,
};

/// Each operation is checked against what the ones before it will do. A multi that fails is no
/// error of its own: it becomes a transaction of errors.
pub(super) fn multi(
    mut state: Outstanding<'_>,
    caller: &Caller,
    ops: Vec<MultiOp>,
) -> Result<TxnBody, ErrorCode> {
    if ops.iter().any(is_unreadable) {
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

/// Whether a multi is unreadable so early that it uses up no zxid: what first makes it so is a null
/// ACL (`CreateOptions` throws what `PrepRequestProcessor` does not expect there).
pub(crate) fn is_unreadable_at_once(ops: &[MultiOp]) -> bool {
    ops.iter().find(|op| is_unreadable(op)).is_some_and(|op| match op {
        MultiOp::Create(request)
        | MultiOp::Create2(request)
        | MultiOp::CreateContainer(request) => {
            request.acl.is_none() && CreateMode::from_flags(request.flags).is_some()
        }
        MultiOp::CreateTtl(_) | MultiOp::Delete(_) | MultiOp::SetData(_) | MultiOp::Check(_) => {
            false
        }
        // Whatever the protocol learns later.
        _ => false,
    })
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
            create_container(state, caller, request)
        }
        MultiOp::Create(request) => create(state, caller, request).map(TxnBody::Create),
        MultiOp::Create2(request) => create(state, caller, request).map(TxnBody::Create2),
        MultiOp::CreateContainer(request) => create_container(state, caller, request),
        MultiOp::CreateTtl(request) => create_ttl_in_multi(state, caller, request),
        MultiOp::Delete(request) => delete(state, caller, request),
        MultiOp::SetData(request) => set_data(state, caller, request),
        MultiOp::Check(request) => check(state, caller, &request),
        // Whatever the protocol learns later.
        _ => Err(ErrorCode::Unimplemented),
    }
}

/// In a multi a mode that needs no time to live loses it, and the node is created as if by create
/// (`Op.create`).
fn create_ttl_in_multi(
    state: &Outstanding<'_>,
    caller: &Caller,
    request: CreateTtlRequest,
) -> Result<TxnBody, ErrorCode> {
    if CreateMode::from_flags(request.flags).is_none_or(CreateMode::has_ttl) {
        return create_ttl(state, caller, request);
    }
    let CreateTtlRequest { path, data, acl, flags, ttl: _ } = request;
    sub_operation(state, caller, MultiOp::Create(CreateRequest { path, data, acl, flags }))
}

/// Flags that are no mode, or one that needs a time to live in a record that has none, make the
/// whole multi unreadable (`MultiOperationRecord`); so does a null ACL (`CreateOptions`).
fn is_unreadable(op: &MultiOp) -> bool {
    match op {
        MultiOp::Create(request)
        | MultiOp::Create2(request)
        | MultiOp::CreateContainer(request) => {
            request.acl.is_none()
                || CreateMode::from_flags(request.flags).is_none_or(CreateMode::has_ttl)
        }
        MultiOp::CreateTtl(_) | MultiOp::Delete(_) | MultiOp::SetData(_) | MultiOp::Check(_) => {
            false
        }
        // Whatever the protocol learns later.
        _ => false,
    }
}

fn failed_multi(total: usize, failed: usize, code: ErrorCode) -> TxnBody {
    let codes = (0..total).map(|index| match index.cmp(&failed) {
        std::cmp::Ordering::Less => ErrorCode::Ok,
        std::cmp::Ordering::Equal => code,
        std::cmp::Ordering::Greater => ErrorCode::RuntimeInconsistency,
    });
    TxnBody::Multi(codes.map(TxnBody::Error).collect())
}

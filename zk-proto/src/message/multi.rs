//! multi and multiRead: a header before each operation, and one with `done` behind the last.

use bytes::BytesMut;

use super::{
    CheckVersionRequest, Create2Response, CreateRequest, CreateResponse, CreateTtlRequest,
    DeleteRequest, ErrorResponse, GetChildrenRequest, GetChildrenResponse, GetDataRequest,
    GetDataResponse, NoBody, SetDataRequest, SetDataResponse,
};
use crate::error_code::ErrorCode;
use crate::jute::{Decode, DecodeError, DecodeProblem, Encode, Reader};
use crate::op::OpCode;
use crate::record;

record! {
    /// Stands before each operation and each result.
    struct MultiHeader {
        op: i32,
        done: bool,
        err: ErrorCode,
    }
}

/// Declares the items of one of the four lists: an opcode and a record for each.
macro_rules! items {
    (
        $(#[$meta:meta])*
        $name:ident ($list:literal) {
            $( $(#[$item_meta:meta])* $item:ident($record:ty) = $op:ident ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$item_meta])* $item($record) ),*
        }

        impl Item for $name {
            const LIST: &'static str = $list;

            fn encode_item(&self, request: bool, out: &mut BytesMut) {
                match self {
                    $( Self::$item(record) => {
                        header(OpCode::$op, record, request).encode(out);
                        record.encode(out);
                    } )*
                }
            }

            fn decode_item(op: i32, reader: &mut Reader) -> Option<Result<Self, DecodeError>> {
                match OpCode::from_code(op)? {
                    $( OpCode::$op => Some(Decode::decode(reader).map(Self::$item)), )*
                    _ => None,
                }
            }
        }
    };
}

items! {
    /// One operation of a multi.
    MultiOp("MultiRequest") {
        /// Creates a node; the result is its path.
        Create(CreateRequest) = Create,
        /// Creates a node; the result is its path and state.
        Create2(CreateRequest) = Create2,
        /// Creates a container.
        CreateContainer(CreateRequest) = CreateContainer,
        /// Creates a node with a time to live.
        CreateTtl(CreateTtlRequest) = CreateTtl,
        /// Deletes a node.
        Delete(DeleteRequest) = Delete,
        /// Sets a node's data.
        SetData(SetDataRequest) = SetData,
        /// Fails the multi unless a node has a version.
        Check(CheckVersionRequest) = Check,
    }
}

items! {
    /// The result of one operation of a multi.
    MultiResult("MultiResponse") {
        /// Of [`MultiOp::Create`].
        Create(CreateResponse) = Create,
        /// Of all other creates.
        Create2(Create2Response) = Create2,
        /// Of [`MultiOp::Delete`].
        Delete(NoBody) = Delete,
        /// Of [`MultiOp::SetData`].
        SetData(SetDataResponse) = SetData,
        /// Of [`MultiOp::Check`].
        Check(NoBody) = Check,
        /// When the multi failed: no error before the operation that failed, its code, and
        /// [`ErrorCode::RuntimeInconsistency`] behind it.
        Error(ErrorResponse) = Error,
    }
}

items! {
    /// One read of a multiRead.
    MultiReadOp("MultiReadRequest") {
        /// Reads data; the watch flag has no effect.
        GetData(GetDataRequest) = GetData,
        /// Lists children; the watch flag has no effect.
        GetChildren(GetChildrenRequest) = GetChildren,
    }
}

items! {
    /// The result of one read of a multiRead.
    MultiReadResult("MultiReadResponse") {
        /// Of [`MultiReadOp::GetData`].
        GetData(GetDataResponse) = GetData,
        /// Of [`MultiReadOp::GetChildren`].
        GetChildren(GetChildrenResponse) = GetChildren,
        /// Why this one read failed.
        Error(ErrorResponse) = Error,
    }
}

/// Declares a list of items as a record.
macro_rules! list {
    ($(#[$meta:meta])* $name:ident { $(#[$field_meta:meta])* $field:ident: $item:ty, request: $request:literal }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            $(#[$field_meta])*
            pub $field: Vec<$item>,
        }

        impl Encode for $name {
            fn encode(&self, out: &mut BytesMut) {
                encode_list(&self.$field, $request, out);
            }
        }

        impl Decode for $name {
            fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
                decode_list(reader).map(|$field| Self { $field })
            }
        }
    };
}

list! {
    /// Operations that are all done or none.
    MultiRequest {
        /// In the order they are tried.
        ops: MultiOp,
        request: true
    }
}

list! {
    /// The results of a multi.
    MultiResponse {
        /// One for each operation, in their order.
        results: MultiResult,
        request: false
    }
}

list! {
    /// Reads that are done in one go.
    MultiReadRequest {
        /// In the order they are done.
        ops: MultiReadOp,
        request: true
    }
}

list! {
    /// The results of a multiRead.
    MultiReadResponse {
        /// One for each read, in their order.
        results: MultiReadResult,
        request: false
    }
}

trait Item: Sized {
    const LIST: &'static str;
    fn encode_item(&self, request: bool, out: &mut BytesMut);
    /// `None` when the list has no item of that opcode.
    fn decode_item(op: i32, reader: &mut Reader) -> Option<Result<Self, DecodeError>>;
}

/// What a payload says in the header before it: an error its code, everything else none.
trait Payload {
    fn code(&self) -> ErrorCode {
        ErrorCode::Ok
    }
}

impl Payload for CreateRequest {}
impl Payload for CreateTtlRequest {}
impl Payload for DeleteRequest {}
impl Payload for SetDataRequest {}
impl Payload for CheckVersionRequest {}
impl Payload for GetDataRequest {}
impl Payload for GetChildrenRequest {}
impl Payload for CreateResponse {}
impl Payload for Create2Response {}
impl Payload for SetDataResponse {}
impl Payload for GetDataResponse {}
impl Payload for GetChildrenResponse {}
impl Payload for NoBody {}
impl Payload for ErrorResponse {
    fn code(&self) -> ErrorCode {
        self.err
    }
}

/// Requests carry −1 where results carry their code (`MultiOperationRecord.serialize`).
fn header(op: OpCode, payload: &impl Payload, request: bool) -> MultiHeader {
    let err = if request { UNSET } else { payload.code() };
    MultiHeader { op: op.code(), done: false, err }
}

fn encode_list<T: Item>(items: &[T], request: bool, out: &mut BytesMut) {
    for item in items {
        item.encode_item(request, out);
    }
    MultiHeader { op: OpCode::Error.code(), done: true, err: UNSET }.encode(out);
}

fn decode_list<T: Item>(reader: &mut Reader) -> Result<Vec<T>, DecodeError> {
    let mut items = Vec::new();
    loop {
        let start = reader.offset();
        let header = MultiHeader::decode(reader)?;
        if header.done {
            return Ok(items);
        }
        let item = T::decode_item(header.op, reader).unwrap_or_else(|| {
            let unknown = DecodeProblem::UnknownValue(header.op);
            Err(Reader::error_at(start, unknown).at(T::LIST, "type"))
        })?;
        items.push(item);
    }
}

/// What a header holds where no code is meant.
const UNSET: ErrorCode = ErrorCode::SystemError;

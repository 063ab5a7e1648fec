//! The operations: for each its opcode, its request and its response, stated once.
//!
//! [`OpCode`], the markers of [`Operation`], [`Request`] and [`Response`] all come from one
//! table, so no other place in the project matches numbers to records.

use bytes::BytesMut;

use crate::jute::{Decode, DecodeError, Encode, Reader};
use crate::message;

/// An operation as a type: what is sent, and what comes back when it went well.
pub trait Operation {
    /// The opcode in the request header.
    const OP_CODE: OpCode;
    /// The body of the request.
    type Request: Encode + Decode;
    /// The body of the reply.
    type Response: Encode + Decode;
}

macro_rules! operations {
    ($(
        $(#[$meta:meta])*
        $name:ident = $code:literal : $request:ident => $response:ident;
    )*) => {
        /// The number of an operation (`ZooDefs.OpCode`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum OpCode {
            /// No request: a failed operation in a multi, or in the log.
            Error = -1,
            /// No request: a watch event.
            Notification = 0,
            /// No request: a server logs the start of a session as this.
            CreateSession = -10,
            $( $(#[$meta])* $name = $code, )*
        }

        impl OpCode {
            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> i32 {
                self as i32
            }

            /// The name, as in `ZooDefs.OpCode` but in our case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    Self::Error => "Error",
                    Self::Notification => "Notification",
                    Self::CreateSession => "CreateSession",
                    $( Self::$name => stringify!($name), )*
                }
            }

            /// The opcode of a number from the wire.
            #[must_use]
            pub const fn from_code(code: i32) -> Option<Self> {
                match code {
                    -1 => Some(Self::Error),
                    0 => Some(Self::Notification),
                    -10 => Some(Self::CreateSession),
                    $( $code => Some(Self::$name), )*
                    _ => None,
                }
            }
        }

        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl Operation for $name {
                const OP_CODE: OpCode = OpCode::$name;
                type Request = message::$request;
                type Response = message::$response;
            }
        )*

        bodies! {
            /// Any request, as a server reads it.
            Request { $( $(#[$meta])* $name(message::$request), )* }
        }

        bodies! {
            /// The body of any successful reply.
            Response { $( $(#[$meta])* $name(message::$response), )* }
        }
    };
}

/// Declares one direction of the table: an enum of bodies, told apart by their opcode.
macro_rules! bodies {
    (
        $(#[$enum_meta:meta])*
        $enum:ident { $( $(#[$meta:meta])* $name:ident($body:ty), )* }
    ) => {
        $(#[$enum_meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $enum {
            $( $(#[$meta])* $name($body), )*
        }

        impl $enum {
            /// Which operation this belongs to.
            #[must_use]
            pub const fn op_code(&self) -> OpCode {
                match self {
                    $( Self::$name(_) => OpCode::$name, )*
                }
            }

            /// Reads a body; `None` when no request has this opcode.
            ///
            /// # Errors
            /// When the body is not the record of the operation.
            pub fn decode(op: OpCode, reader: &mut Reader) -> Result<Option<Self>, DecodeError> {
                Ok(Some(match op {
                    $( OpCode::$name => Self::$name(Decode::decode(reader)?), )*
                    OpCode::Error | OpCode::Notification | OpCode::CreateSession => {
                        return Ok(None);
                    }
                }))
            }
        }

        impl Encode for $enum {
            fn encode(&self, out: &mut BytesMut) {
                match self {
                    $( Self::$name(body) => body.encode(out), )*
                }
            }
        }
    };
}

operations! {
    /// Creates a node and tells its path.
    Create = 1: CreateRequest => CreateResponse;
    /// Deletes a node without children.
    Delete = 2: DeleteRequest => NoBody;
    /// Tells the state of a node.
    Exists = 3: ExistsRequest => ExistsResponse;
    /// Reads a node's data.
    GetData = 4: GetDataRequest => GetDataResponse;
    /// Sets a node's data.
    SetData = 5: SetDataRequest => SetDataResponse;
    /// Reads a node's ACL.
    GetAcl = 6: GetAclRequest => GetAclResponse;
    /// Sets a node's ACL.
    SetAcl = 7: SetAclRequest => SetAclResponse;
    /// Lists a node's children.
    GetChildren = 8: GetChildrenRequest => GetChildrenResponse;
    /// Lets a server catch up with the leader.
    Sync = 9: SyncRequest => SyncResponse;
    /// Keeps a session alive.
    Ping = 11: NoBody => NoBody;
    /// Lists a node's children and tells its state.
    GetChildren2 = 12: GetChildren2Request => GetChildren2Response;
    /// Compares a version; valid only inside a multi.
    Check = 13: CheckVersionRequest => NoBody;
    /// Does several writes or none.
    Multi = 14: MultiRequest => MultiResponse;
    /// Creates a node and tells its path and state.
    Create2 = 15: CreateRequest => Create2Response;
    /// Changes the ensemble.
    Reconfig = 16: ReconfigRequest => GetDataResponse;
    /// Asks whether the connection has a watch.
    CheckWatches = 17: CheckWatchesRequest => NoBody;
    /// Removes watches.
    RemoveWatches = 18: RemoveWatchesRequest => NoBody;
    /// Creates a container.
    CreateContainer = 19: CreateRequest => Create2Response;
    /// Deletes an empty container; servers send it to themselves only.
    DeleteContainer = 20: DeleteContainerRequest => NoBody;
    /// Creates a node with a time to live.
    CreateTtl = 21: CreateTtlRequest => Create2Response;
    /// Does several reads in one go.
    MultiRead = 22: MultiReadRequest => MultiReadResponse;
    /// Adds an identity to the connection.
    Auth = 100: AuthPacket => NoBody;
    /// Sets one-shot watches again.
    SetWatches = 101: SetWatches => NoBody;
    /// One step of a SASL exchange.
    Sasl = 102: GetSaslRequest => SetSaslResponse;
    /// Lists the ephemeral nodes of the session.
    GetEphemerals = 103: GetEphemeralsRequest => GetEphemeralsResponse;
    /// Counts all nodes below one.
    GetAllChildrenNumber = 104: GetAllChildrenNumberRequest => GetAllChildrenNumberResponse;
    /// Sets watches of all kinds again.
    SetWatches2 = 105: SetWatches2 => NoBody;
    /// Sets a watch that stays.
    AddWatch = 106: AddWatchRequest => ErrorResponse;
    /// Tells the identities of the connection.
    WhoAmI = 107: NoBody => WhoAmIResponse;
    /// Ends the session.
    CloseSession = -11: NoBody => NoBody;
}

//! ZooKeeper's wire protocol, without IO.
//!
//! The crate knows bytes, records and rules that client and server share; it knows no sockets, no
//! clock and no runtime. Where to start:
//!
//! | module | what lives there |
//! |---|---|
//! | [`jute`] | the serialisation format: [`Encode`], [`Decode`], [`jute::Reader`], [`DecodeError`] |
//! | [`frame`] | the length prefix of every message, and its limit |
//! | [`op`] | one marker type for each operation: its opcode, its request and its response |
//! | [`message`] | every record on the wire, with its fields in wire order |
//! | [`data`] | `Stat`, `Acl` and what they are made of |
//! | [`id`] | `Zxid`, `Xid`, `SessionId`, `Version`, `Password` |
//! | [`path`] | path rules and the sequence suffix |
//! | [`watch`] | events, and which event reaches which kind of watch |
//! | `sasl` (feature) | DIGEST-MD5: directives, and what is computed of a password |
//! | [`error_code`], [`create_mode`] | the numbers of `KeeperException.Code` and `CreateMode` |
//!
//! ```
//! use bytes::BytesMut;
//! use zk_proto::{Decode, DecodeError, Encode, jute::Reader, message::GetDataRequest};
//!
//! let asked = GetDataRequest { path: "/config".into(), watch: true };
//! let mut wire = BytesMut::new();
//! asked.encode(&mut wire);
//! assert_eq!(GetDataRequest::decode(&mut Reader::new(wire.freeze()))?, asked);
//! # Ok::<(), DecodeError>(())
//! ```
#![warn(clippy::arithmetic_side_effects)]

pub mod create_mode;
pub mod data;
pub mod error_code;
pub mod frame;
pub mod id;
pub mod jute;
pub mod message;
pub mod op;
pub mod path;
#[cfg(feature = "sasl")]
pub mod sasl;
pub mod watch;

pub use bytestring::ByteString;

pub use create_mode::CreateMode;
pub use data::{Acl, Permissions, Stat};
pub use error_code::ErrorCode;
pub use id::{Password, SessionId, Version, Xid, Zxid};
pub use jute::{Decode, DecodeError, Encode};
pub use op::{OpCode, Operation};
pub use path::{PathError, ZPath};
pub use watch::{AddWatchMode, EventType, KeeperState, WatchedEvent, WatcherType};

/// The example of the front page is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct FrontPage;

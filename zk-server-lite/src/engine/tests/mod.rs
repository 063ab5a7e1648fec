//! The engine driven by hand, frame by frame.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::enum_glob_use,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic, and says what it expects"
)]

mod authentication;
mod containers;
mod frames;
mod golden;
mod handshake;
mod read_only;
mod requests;
#[cfg(feature = "sasl")]
mod sasl;
mod sessions;
mod set_watches;
mod watches;

use ::core::net::Ipv4Addr;

use bytes::{Bytes, BytesMut};
use zk_proto::frame::{put_frame, take_frame};
use zk_proto::jute::Reader;
use zk_proto::message::{
    ConnectRequest, ConnectResponse, CreateRequest, DeleteRequest, ExistsRequest,
    GetChildrenRequest, GetDataRequest, NoBody, ReplyHeader, RequestHeader, SetDataRequest,
};
use zk_proto::{
    Acl, Decode, Encode, ErrorCode, EventType, OpCode, Password, SessionId, Version, WatchedEvent,
    Xid, Zxid,
};

use crate::core::Features;

#[cfg(feature = "sasl")]
use super::SaslOptions;
use super::{ConnId, ContainerOptions, Engine, EngineOptions, Now, Output};

/// An engine with a tick of 2 s, and what it has sent.
struct Bench {
    engine: Engine,
    now: Now,
    last_conn: u64,
}

/// What came out on one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Frame(Bytes),
    Closed,
}

/// A client's side of a session.
#[derive(Clone, Debug)]
struct Session {
    conn: ConnId,
    id: SessionId,
    password: Password,
}

const TICK: u64 = 2000;

impl Bench {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut EngineOptions)) -> Self {
        let mut options = EngineOptions {
            tick_ms: TICK,
            min_session_timeout_ms: 4000,
            max_session_timeout_ms: 40_000,
            // So that ids and passwords are those of the captured session.
            session_id_seed_ms: 0x33_0082,
            features: Features { extended_types: true, ..Features::default() },
            containers: ContainerOptions {
                check_interval_ms: 60_000,
                max_per_minute: 10_000,
                max_never_used_ms: 0,
            },
            super_digest: Some(zk_proto::data::digest("super:admin")),
            x509_super_user: None,
            skip_acl: false,
            read_only: false,
            enforced_schemes: Vec::new(),
            #[cfg(feature = "sasl")]
            sasl: SaslOptions::default(),
        };
        change(&mut options);
        Self {
            engine: Engine::new(options),
            now: Now { elapsed_ms: 0, wall_ms: 0x1a2_039b_0000 },
            last_conn: 0,
        }
    }

    fn open(&mut self) -> ConnId {
        self.last_conn += 1;
        let conn = ConnId(self.last_conn);
        self.engine.handle_opened(conn, (Ipv4Addr::LOCALHOST, 50_000).into(), self.now);
        conn
    }

    /// A new session with a timeout of 10 s.
    fn session(&mut self) -> Session {
        let conn = self.open();
        let response = self.connect(conn, &new_session()).unwrap();
        Session { conn, id: response.session_id, password: response.passwd }
    }

    /// The response, if there was one.
    fn connect(&mut self, conn: ConnId, request: &ConnectRequest) -> Option<ConnectResponse> {
        self.frame(conn, request);
        match self.seen(conn).into_iter().next()? {
            Seen::Frame(frame) => Some(ConnectResponse::decode(&mut Reader::new(frame)).unwrap()),
            Seen::Closed => None,
        }
    }

    fn frame(&mut self, conn: ConnId, content: &impl Encode) {
        let mut out = BytesMut::new();
        content.encode(&mut out);
        self.engine.handle_frame(conn, out.freeze(), self.now);
    }

    fn send(&mut self, conn: ConnId, xid: i32, op: OpCode, body: &impl Encode) {
        let mut out = BytesMut::new();
        RequestHeader { xid: Xid(xid), op: op.code() }.encode(&mut out);
        body.encode(&mut out);
        self.engine.handle_frame(conn, out.freeze(), self.now);
    }

    /// Sends a request and returns what it was answered with, which must be the only output.
    fn call(&mut self, conn: ConnId, op: OpCode, body: &impl Encode) -> (ReplyHeader, Reader) {
        self.send(conn, 1, op, body);
        let outputs = self.outputs();
        let [(to, Seen::Frame(frame))] = &outputs[..] else {
            panic!("not one frame: {outputs:?}");
        };
        assert_eq!(*to, conn);
        let mut reader = Reader::new(frame.clone());
        (ReplyHeader::decode(&mut reader).unwrap(), reader)
    }

    fn code(&mut self, conn: ConnId, op: OpCode, body: &impl Encode) -> ErrorCode {
        self.call(conn, op, body).0.err
    }

    /// Creates a node that must not be refused.
    fn create(&mut self, conn: ConnId, path: &str, flags: i32) {
        self.send(conn, 1, OpCode::Create, &create(path, flags));
        let frames = self.seen(conn);
        let Some(Seen::Frame(frame)) = frames.last() else { panic!("{frames:?}") };
        let header = ReplyHeader::decode(&mut Reader::new(frame.clone())).unwrap();
        assert_eq!((header.xid, header.err), (Xid(1), ErrorCode::Ok), "{path}");
    }

    fn pass(&mut self, ms: u64) {
        self.now.elapsed_ms += ms;
        self.now.wall_ms += i64::try_from(ms).unwrap();
        while self.engine.next_deadline().is_some_and(|deadline| deadline <= self.now.elapsed_ms) {
            self.engine.handle_timeout(self.now);
        }
    }

    /// Everything that has come out, in order, frame by frame.
    fn outputs(&mut self) -> Vec<(ConnId, Seen)> {
        let mut seen = Vec::new();
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Send { conn, mut bytes } => {
                    while let Some(frame) = take_frame(&mut bytes, usize::MAX).unwrap() {
                        seen.push((conn, Seen::Frame(frame)));
                    }
                    assert!(bytes.is_empty(), "half a frame was sent");
                }
                Output::Close { conn } => seen.push((conn, Seen::Closed)),
            }
        }
        seen
    }

    /// What has come out on one connection; the rest is dropped.
    fn seen(&mut self, conn: ConnId) -> Vec<Seen> {
        self.outputs().into_iter().filter(|(to, _)| *to == conn).map(|(_, seen)| seen).collect()
    }

    /// What has come out on one connection, which must be events.
    fn events(&mut self, conn: ConnId) -> Vec<(Zxid, EventType, String)> {
        self.seen(conn).iter().map(event).collect()
    }
}

fn event(seen: &Seen) -> (Zxid, EventType, String) {
    let Seen::Frame(frame) = seen else { panic!("closed instead of an event") };
    let mut reader = Reader::new(frame.clone());
    let header = ReplyHeader::decode(&mut reader).unwrap();
    assert_eq!((header.xid, header.err), (Xid::NOTIFICATION, ErrorCode::Ok));
    let event = WatchedEvent::decode(&mut reader).unwrap();
    (header.zxid, event.event_type, event.path.to_string())
}

fn header(seen: &Seen) -> ReplyHeader {
    let Seen::Frame(frame) = seen else { panic!("closed instead of a reply") };
    ReplyHeader::decode(&mut Reader::new(frame.clone())).unwrap()
}

fn new_session() -> ConnectRequest {
    ConnectRequest { timeout: 10_000, read_only: Some(true), ..ConnectRequest::default() }
}

fn renewal(session: &Session) -> ConnectRequest {
    ConnectRequest { session_id: session.id, passwd: session.password.clone(), ..new_session() }
}

fn create(path: &str, flags: i32) -> CreateRequest {
    let data = Some(Bytes::from_static(b"x"));
    CreateRequest { path: path.into(), data, acl: Some(Acl::open()), flags }
}

fn delete(path: &str) -> DeleteRequest {
    DeleteRequest { path: path.into(), version: Version::ANY }
}

fn set_data(path: &str) -> SetDataRequest {
    SetDataRequest { path: path.into(), data: None, version: Version::ANY }
}

fn exists(path: &str, watch: bool) -> ExistsRequest {
    ExistsRequest { path: path.into(), watch }
}

fn get_data(path: &str, watch: bool) -> GetDataRequest {
    GetDataRequest { path: path.into(), watch }
}

fn get_children(path: &str, watch: bool) -> GetChildrenRequest {
    GetChildrenRequest { path: path.into(), watch }
}

/// A frame as it stands on the wire, with its length.
fn framed(content: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    put_frame(&mut out, |out| out.extend_from_slice(content));
    out
}

/// Bytes as they are.
struct Verbatim(Bytes);

impl Encode for Verbatim {
    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(&self.0);
    }
}

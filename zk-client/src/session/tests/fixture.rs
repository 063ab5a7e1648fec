//! A session on a desk: no shell, a clock that is moved by hand, a server of encoded frames.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use zk_proto::frame::{put_frame, take_frame};
use zk_proto::jute::Reader;
use zk_proto::message::{
    ConnectRequest, ConnectResponse, CreateRequest, ExistsRequest, GetChildrenRequest,
    GetDataRequest, NoBody, ReplyHeader, RequestHeader,
};
use zk_proto::op::Request;
use zk_proto::{
    Acl, AddWatchMode, Decode, Encode, ErrorCode, EventType, KeeperState, OpCode, Password,
    SessionId, WatchedEvent, Xid, Zxid,
};

use crate::connect_string::HostPort;
use crate::options::ExpiryPolicy;
use crate::session::output::Timer;
use crate::session::{
    News, Output, Session, SessionOptions, SubmitError, SubscriberId, Table, Ticket, Trouble,
};
use crate::state::{SessionContinuity, SessionState};

/// Negotiated: pings after 10 s, silence after 20 s.
pub(super) const T: Duration = Duration::from_secs(30);
/// From submission to reply.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);
pub(super) const ID: SessionId = SessionId(0x77);

/// A ticket is a name; nobody waits for those that begin with "gone", and those that begin with
/// "bound" end with the session.
impl Ticket for &'static str {
    fn is_abandoned(&self) -> bool {
        self.starts_with("gone")
    }

    fn is_bound(&self) -> bool {
        self.starts_with("bound")
    }
}

pub(super) struct Desk {
    pub(super) session: Session<&'static str, &'static str>,
    pub(super) now: Instant,
    /// Of the next reply.
    pub(super) zxid: i64,
}

pub(super) fn options() -> SessionOptions {
    SessionOptions {
        timeout: T,
        request_timeout: DEADLINE,
        max_request: 1024,
        max_reply: 4096,
        max_pending: 100,
        max_outgoing: 100_000,
        server_tick: None,
        keep_lease: None,
        on_expiry: ExpiryPolicy::Fail,
        allow_read_only: false,
        seed: 1,
        wants_addresses: false,
        one_round: false,
    }
}

impl Desk {
    /// A session of three hosts, about to dial the first one.
    pub(super) fn new() -> Self {
        Self::with(options(), 3)
    }

    pub(super) fn with(options: SessionOptions, hosts: u16) -> Self {
        let hosts = (1..=hosts).map(|port| HostPort::new("zk", port)).collect();
        let now = tokio::time::Instant::now().into_std();
        Self { session: Session::new(options, hosts, now), now, zxid: 0x100 }
    }

    /// A session that serves, with nothing left to look at.
    pub(super) fn serving() -> Self {
        let mut desk = Self::new();
        desk.connect();
        desk
    }

    /// Lets a backoff pass, dials, shakes hands and is granted; the outputs are dropped.
    pub(super) fn connect(&mut self) -> ConnectRequest {
        let request = self.shake_hands();
        self.grant(ID, T);
        self.outputs();
        request
    }

    pub(super) fn shake_hands(&mut self) -> ConnectRequest {
        self.dial();
        self.session.handle_connected(self.now);
        self.connect_request()
    }

    /// Lets a backoff pass; tells what was dialled.
    pub(super) fn dial(&mut self) -> Vec<String> {
        self.outputs();
        if let Some((due, Timer::Redial)) = self.due() {
            self.now += due;
        }
        self.session.handle_timeout(self.now);
        self.outputs()
    }

    pub(super) fn connect_request(&mut self) -> ConnectRequest {
        let mut wire = self.taken();
        let frame = take_frame(&mut wire, usize::MAX).unwrap().unwrap();
        assert!(wire.is_empty(), "nothing follows a handshake unanswered");
        ConnectRequest::decode(&mut Reader::new(frame)).unwrap()
    }

    pub(super) fn grant(&mut self, session_id: SessionId, timeout: Duration) {
        let response = ConnectResponse {
            protocol_version: 0,
            timeout: i32::try_from(timeout.as_millis()).unwrap(),
            session_id,
            passwd: Password::new([7; 16]),
            read_only: Some(false),
        };
        self.receive(|out| response.encode(out));
    }

    /// A server that has lost its ensemble gives out a session of its own, or refuses one.
    pub(super) fn grant_read_only(&mut self, session_id: SessionId, timeout: Duration) {
        let response = ConnectResponse {
            protocol_version: 0,
            timeout: i32::try_from(timeout.as_millis()).unwrap(),
            session_id,
            passwd: Password::new([9; 16]),
            read_only: Some(true),
        };
        self.receive(|out| response.encode(out));
    }

    pub(super) fn submit(&mut self, ticket: &'static str, request: Request) {
        assert_eq!(self.try_submit(ticket, request), Ok(()));
    }

    pub(super) fn try_submit(
        &mut self,
        ticket: &'static str,
        request: Request,
    ) -> Result<(), SubmitError> {
        self.session.submit(self.now, request, ticket, None)
    }

    /// Submits a read that sets a watch of the same name.
    pub(super) fn watch(&mut self, ticket: &'static str, request: Request) {
        let submitted = self.session.submit(self.now, request, ticket, Some(ticket));
        assert_eq!(submitted, Ok(()));
    }

    /// Wants a persistent watch; the ticket comes back when it is set.
    pub(super) fn subscribe(
        &mut self,
        ticket: &'static str,
        path: &'static str,
        mode: AddWatchMode,
    ) -> SubscriberId {
        self.session.subscribe(self.now, path.into(), mode, ticket).unwrap()
    }

    pub(super) fn unsubscribe(
        &mut self,
        path: &'static str,
        mode: AddWatchMode,
        who: SubscriberId,
    ) {
        self.session.unsubscribe(self.now, &path.into(), mode, who);
    }

    /// Somebody who waited for a one-shot watch goes away.
    pub(super) fn forget(&mut self, path: &'static str, table: Table) {
        self.session.forget_watch(self.now, &path.into(), table);
    }

    /// A server tells that the session is over.
    pub(super) fn refuse_session(&mut self) -> Vec<String> {
        self.outputs();
        self.shake_hands();
        self.grant(SessionId::NONE, Duration::ZERO);
        self.outputs()
    }

    pub(super) fn close(&mut self, ticket: &'static str) {
        assert_eq!(self.session.close(self.now, Some(ticket)), Ok(()));
    }

    /// What the shell writes: everything there is.
    pub(super) fn taken(&mut self) -> BytesMut {
        self.session.take_outgoing().into()
    }

    /// What the shell writes, as a server reads it.
    pub(super) fn sent(&mut self) -> Vec<(Xid, Request)> {
        requests(self.taken())
    }

    /// The operations that the shell writes, and of which node.
    pub(super) fn sent_ops(&mut self) -> Vec<OpCode> {
        let sent = self.sent().into_iter();
        sent.map(|(_, request)| request.op_code()).collect()
    }

    /// The shell has read one frame.
    pub(super) fn receive(&mut self, body: impl FnOnce(&mut BytesMut)) {
        let mut wire = BytesMut::new();
        put_frame(&mut wire, body);
        self.receive_bytes(&wire);
    }

    pub(super) fn receive_bytes(&mut self, bytes: &[u8]) {
        let mut wire = BytesMut::from(bytes);
        self.session.handle_bytes(self.now, &mut wire);
    }

    pub(super) fn reply(&mut self, xid: i32, body: &impl Encode) {
        let zxid = self.zxid;
        self.zxid += 1;
        self.reply_at(zxid, xid, ErrorCode::Ok, body);
    }

    pub(super) fn refuse(&mut self, xid: i32, err: ErrorCode) {
        let zxid = self.zxid;
        self.zxid += 1;
        self.reply_at(zxid, xid, err, &NoBody {});
    }

    pub(super) fn reply_at(&mut self, zxid: i64, xid: i32, err: ErrorCode, body: &impl Encode) {
        let (xid, zxid) = (Xid(xid), Zxid(zxid));
        self.receive(|out| {
            ReplyHeader { xid, zxid, err }.encode(out);
            body.encode(out);
        });
    }

    pub(super) fn pong(&mut self) {
        self.reply(Xid::PING.0, &NoBody {});
    }

    pub(super) fn event(&mut self, zxid: i64, event_type: EventType, path: &'static str) {
        let event =
            WatchedEvent { event_type, state: KeeperState::SyncConnected, path: path.into() };
        self.reply_at(zxid, Xid::NOTIFICATION.0, ErrorCode::Ok, &event);
    }

    pub(super) fn disconnect(&mut self) {
        self.session.handle_disconnected(self.now, Trouble::HungUp);
    }

    /// Time passes, and the shell wakes up.
    pub(super) fn after(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        self.session.handle_timeout(self.now);
        self.outputs()
    }

    /// What the session wants to be done, up to `Wait`.
    pub(super) fn outputs(&mut self) -> Vec<String> {
        let mut outputs = Vec::new();
        loop {
            match self.session.poll_output() {
                Output::Wait(_) | Output::Finished => return outputs,
                output => outputs.push(shown(output)),
            }
        }
    }

    /// When the session wants to be asked again, counted from now, and why.
    pub(super) fn due(&mut self) -> Option<(Duration, Timer)> {
        match self.session.poll_output() {
            Output::Wait(due) => due.map(|(at, why)| (at.saturating_duration_since(self.now), why)),
            output => panic!("{output:?} was not looked at"),
        }
    }

    pub(super) fn is_finished(&mut self) -> bool {
        matches!(self.session.poll_output(), Output::Finished)
    }
}

fn shown(output: Output<&'static str, &'static str>) -> String {
    match output {
        Output::Resolve { names, .. } => {
            let names: Vec<_> = names.iter().map(|name| name.host.as_str()).collect();
            format!("resolve {}", names.join(" "))
        }
        Output::Dial(_) => "dial".to_owned(),
        Output::Probe { endpoint, .. } => format!("ask {}", endpoint.host.port),
        Output::HangUp => "hang up".to_owned(),
        Output::Reply { ticket, outcome } => match outcome {
            Ok(_) => format!("{ticket}: ok"),
            Err(failure) => format!("{ticket}: {failure:?}"),
        },
        Output::Notify { watcher, event } => {
            format!("{watcher} hears {:?} {}", event.event_type, event.path)
        }
        Output::Tell { subscribers, news } => {
            let who: Vec<_> = subscribers.iter().map(|subscriber| subscriber.0).collect();
            match news {
                News::Event { event, zxid } => {
                    let zxid = zxid.map_or(0, |zxid| zxid.0);
                    format!("{who:?} hear {:?} {} {zxid:#x}", event.event_type, event.path)
                }
                News::Gap => format!("{who:?} hear of a gap"),
                News::Over => format!("{who:?} hear of the end"),
            }
        }
        Output::StateChanged(state) => match state {
            SessionState::Connecting => "connecting".to_owned(),
            SessionState::Connected { generation, session, .. } => {
                match (generation.get(), session) {
                    (1, SessionContinuity::New) => "connected".to_owned(),
                    (_, SessionContinuity::New) => format!("connected as generation {generation}"),
                    (_, SessionContinuity::Same) => "reconnected".to_owned(),
                }
            }
            SessionState::Renewing { expired } => format!("renewing {expired}"),
            SessionState::ConnectedReadOnly { .. } => "connected read-only".to_owned(),
            SessionState::Disconnected { .. } => "disconnected".to_owned(),
            SessionState::Expired => "expired".to_owned(),
            SessionState::AuthFailed { .. } => "auth failed".to_owned(),
            SessionState::Closed => "closed".to_owned(),
        },
        Output::Wait(_) | Output::Finished => unreachable!("no output to show"),
    }
}

/// The frames of a connection behind its handshake.
pub(super) fn requests(mut wire: BytesMut) -> Vec<(Xid, Request)> {
    let mut requests = Vec::new();
    while let Some(frame) = take_frame(&mut wire, usize::MAX).unwrap() {
        let mut reader = Reader::new(frame);
        let header = RequestHeader::decode(&mut reader).unwrap();
        let op = OpCode::from_code(header.op).unwrap();
        let request = Request::decode(op, &mut reader).unwrap().unwrap();
        requests.push((header.xid, request));
    }
    assert!(wire.is_empty(), "whole frames only");
    requests
}

pub(super) fn get(path: &'static str) -> Request {
    Request::GetData(GetDataRequest { path: path.into(), watch: false })
}

pub(super) fn watched_get(path: &'static str) -> Request {
    Request::GetData(GetDataRequest { path: path.into(), watch: true })
}

pub(super) fn watched_exists(path: &'static str) -> Request {
    Request::Exists(ExistsRequest { path: path.into(), watch: true })
}

pub(super) fn watched_children(path: &'static str) -> Request {
    Request::GetChildren(GetChildrenRequest { path: path.into(), watch: true })
}

pub(super) fn create(path: &'static str) -> Request {
    create_with(path, Bytes::new())
}

pub(super) fn create_with(path: &'static str, data: Bytes) -> Request {
    Request::Create2(CreateRequest {
        path: path.into(),
        data: Some(data),
        acl: Some(Acl::open()),
        flags: 0,
    })
}

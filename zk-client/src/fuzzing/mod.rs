//! The session machine as a fuzzer drives it: a server that says anything, in pieces, at any time.
//!
//! An input is a list of steps; each is a byte that says what happens, and the bytes that this
//! needs. It is part of the crate because the machine is; `fuzz/` calls it, and a test replays
//! `fuzz/corpus/session`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a panic is what a fuzzer looks for"
)]

mod requests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use zk_proto::frame::{put_frame, take_frame};
use zk_proto::jute::Reader;
use zk_proto::message::{AuthPacket, ConnectResponse, ReplyHeader, RequestHeader, Secret};
use zk_proto::{
    AddWatchMode, ByteString, Decode, Encode, ErrorCode, EventType, KeeperState, Password,
    SessionId, WatchedEvent, Xid, Zxid,
};

use crate::connect_string::HostPort;
use crate::options::ExpiryPolicy;
use crate::session::{
    Output, Session, SessionOptions, Source, SubscriberId, Table, Ticket, Trouble, watch_wanted,
};
use crate::state::SessionState;

use requests::{path, request};

/// Whatever a server says, the machine neither panics nor asks to be woken for ever at one and the
/// same time; every ticket that is waited for comes back once, and no watcher more often; what is kept stays within
/// the limits; and states follow each other as they may.
pub fn session(input: &[u8]) {
    let Some((seed, steps)) = input.split_first() else {
        return;
    };
    let mut world = World::new(*seed);
    world.settle();
    let mut steps = Steps(steps);
    while let Some(step) = steps.byte() {
        world.step(step, &mut steps);
        world.settle();
    }
    world.session.abandon();
    world.settle();
    assert!(world.finished, "abandoned, and not over");
    assert_eq!(world.waiting(), 0, "{:?} never came back", world.owed);
}

/// A ticket. Some are nobody's: they need not come back, but never do so twice.
#[derive(Debug)]
struct Number(u32);

impl Ticket for Number {
    fn is_abandoned(&self) -> bool {
        self.0 % 8 == 7
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Down,
    Dialling,
    Up,
}

struct World {
    session: Session<Number, Number>,
    now: Instant,
    link: Link,
    /// Names that are being resolved.
    names: Vec<HostPort>,
    incoming: BytesMut,
    /// What the shell has taken and this server has not read.
    wire: BytesMut,
    /// The xids of requests on this connection that were not answered, by this server at least.
    asked: VecDeque<Xid>,
    greeted: bool,
    last_number: u32,
    /// Tickets that have not come back, and whether somebody waits for them.
    owed: BTreeMap<u32, bool>,
    watchers: BTreeSet<u32>,
    /// What each one listens to, and its ticket.
    subscribers: BTreeMap<SubscriberId, (ByteString, AddWatchMode, u32)>,
    state: SessionState,
    zxid: i64,
    finished: bool,
}

/// The bytes of an input; what is missing at its end is 0.
struct Steps<'a>(&'a [u8]);

impl Steps<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn or_zero(&mut self) -> u8 {
        self.byte().unwrap_or_default()
    }

    /// As many bytes as the next one says.
    fn bytes(&mut self) -> Bytes {
        let length = usize::from(self.or_zero()).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        Bytes::copy_from_slice(taken)
    }
}

impl World {
    fn new(seed: u8) -> Self {
        let options = SessionOptions {
            timeout: Duration::from_secs(6),
            request_timeout: Duration::from_secs(5),
            max_request: 400,
            max_reply: MAX_REPLY,
            max_pending: MAX_PENDING,
            max_outgoing: MAX_OUTGOING,
            server_tick: None,
            keep_lease: None,
            on_expiry: if seed & 32 == 0 { ExpiryPolicy::Fail } else { ExpiryPolicy::NewSession },
            allow_read_only: seed.is_multiple_of(2),
            seed: seed.into(),
            wants_addresses: seed & 64 != 0,
            one_round: false,
        };
        // Any instant will do: from here on, only steps move it.
        let now = tokio::time::Instant::now().into_std();
        Self {
            session: Session::new(options, hosts(0), now),
            now,
            link: Link::Down,
            names: Vec::new(),
            incoming: BytesMut::new(),
            wire: BytesMut::new(),
            asked: VecDeque::new(),
            greeted: false,
            last_number: 0,
            owed: BTreeMap::new(),
            watchers: BTreeSet::new(),
            subscribers: BTreeMap::new(),
            state: SessionState::Connecting,
            zxid: 0x100,
            finished: false,
        }
    }

    fn step(&mut self, step: u8, steps: &mut Steps<'_>) {
        match step % 16 {
            0 => self.connect(),
            1 => self.grant(steps.or_zero()),
            2 => {
                let piece = steps.bytes();
                self.receive(&piece);
            }
            3 => {
                let content = steps.bytes();
                self.receive_frame(|out| out.put_slice(&content));
            }
            4 | 5 => {
                let (kind, path) = (steps.or_zero(), steps.or_zero());
                self.submit(kind, path);
            }
            6 => self.take(),
            7 => {
                let (err, body) = (steps.or_zero(), steps.bytes());
                self.answer(err, &body);
            }
            8 => {
                let (event, at) = (steps.or_zero(), steps.or_zero());
                self.event(event, at);
            }
            9 => self.pass(u64::from(steps.or_zero()) * 25),
            10 => self.disconnect(),
            11 => {
                let choice = steps.or_zero();
                self.subscribe(choice);
            }
            12 => {
                let choice = steps.or_zero();
                self.unsubscribe(choice);
            }
            13 => {
                let secret = steps.or_zero();
                self.add_auth(secret);
            }
            14 => {
                let at = steps.or_zero();
                let table = if at & 1 == 0 { Table::Data } else { Table::Child };
                self.session.forget_watch(self.now, &path(at), table);
            }
            _ => {
                let choice = steps.or_zero();
                self.rarely(choice);
            }
        }
    }

    /// What happens to a session less often.
    fn rarely(&mut self, choice: u8) {
        match choice {
            0..8 => {
                let number = self.number();
                if self.session.close(self.now, Some(Number(number))).is_ok() {
                    self.owe(number);
                }
            }
            8..16 => {
                let number = self.number();
                // Its ticket may come back at once.
                self.owe(number);
                if self.session.detach(self.now, Number(number)).is_err() {
                    self.owed.remove(&number);
                }
            }
            16..64 => self.session.handle_probed(self.now, choice & 1 == 0),
            64..160 => self.resolve(choice),
            _ => {
                let source = if choice & 1 == 0 { Source::User } else { Source::Ensemble };
                self.session.update_hosts(self.now, hosts(choice >> 1), source);
            }
        }
    }

    fn resolve(&mut self, choice: u8) {
        if let Some(name) = self.names.pop() {
            let addresses = (0..choice & 3).map(|last| ([10, 0, 0, last], name.port).into());
            let result = if choice & 4 == 0 { Ok(addresses.collect()) } else { Err("no".into()) };
            self.session.handle_resolved(self.now, &name, result);
        }
    }

    fn number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }

    fn owe(&mut self, number: u32) {
        self.owed.insert(number, !Number(number).is_abandoned());
    }

    fn waiting(&self) -> usize {
        self.owed.values().filter(|waits| **waits).count()
    }

    fn connect(&mut self) {
        if self.link == Link::Dialling {
            self.link = Link::Up;
            self.session.handle_connected(self.now);
        }
    }

    fn disconnect(&mut self) {
        if self.link != Link::Down {
            self.drop_link();
            self.session.handle_disconnected(self.now, Trouble::HungUp);
        }
    }

    fn drop_link(&mut self) {
        self.link = Link::Down;
        self.incoming.clear();
        self.wire.clear();
        self.asked.clear();
        self.greeted = false;
    }

    fn grant(&mut self, choice: u8) {
        let timeout = if choice & 1 == 0 { 6000 } else { i32::from(choice) * 30 };
        let session_id = SessionId(0x77 + i64::from(choice >> 6));
        let response = ConnectResponse {
            protocol_version: 0,
            timeout,
            session_id: if timeout > 0 { session_id } else { SessionId::NONE },
            passwd: Password::new([choice; 16]),
            read_only: (choice & 2 == 0).then_some(choice & 4 != 0),
        };
        self.receive_frame(|out| response.encode(out));
    }

    fn receive_frame(&mut self, content: impl FnOnce(&mut BytesMut)) {
        let mut bytes = BytesMut::new();
        put_frame(&mut bytes, content);
        self.receive(&bytes);
    }

    fn receive(&mut self, bytes: &[u8]) {
        if self.link == Link::Up {
            self.incoming.put_slice(bytes);
            self.session.handle_bytes(self.now, &mut self.incoming);
            let kept = self.incoming.len();
            assert!(self.link != Link::Up || kept <= MAX_REPLY + 300, "{kept} bytes are kept");
        }
    }

    /// Answers the oldest request, or a ping.
    fn answer(&mut self, err: u8, body: &[u8]) {
        self.read_wire();
        self.zxid += 1;
        let err = match err {
            0..=127 => ErrorCode::Ok,
            128..=159 => ErrorCode::NoNode,
            160..=191 => ErrorCode::NodeExists,
            192..=223 => ErrorCode::NoWatcher,
            _ => ErrorCode::from_code(i32::from(err) - 300),
        };
        let xid = self.asked.pop_front().unwrap_or(Xid::PING);
        let header = ReplyHeader { xid, zxid: Zxid(self.zxid), err };
        self.receive_frame(|out| {
            header.encode(out);
            out.put_slice(body);
        });
    }

    fn event(&mut self, event: u8, at: u8) {
        const TYPES: [EventType; 6] = [
            EventType::NodeCreated,
            EventType::NodeDeleted,
            EventType::NodeDataChanged,
            EventType::NodeChildrenChanged,
            EventType::DataWatchRemoved,
            EventType::PersistentWatchRemoved,
        ];
        let event = WatchedEvent {
            event_type: TYPES[usize::from(event) % TYPES.len()],
            state: KeeperState::SyncConnected,
            path: path(at),
        };
        let header =
            ReplyHeader { xid: Xid::NOTIFICATION, zxid: Zxid(self.zxid), err: ErrorCode::Ok };
        self.receive_frame(|out| {
            header.encode(out);
            event.encode(out);
        });
    }

    /// What the machine says is always whole frames that can be read.
    fn read_wire(&mut self) {
        while let Some(frame) = take_frame(&mut self.wire, usize::MAX).expect("no frame") {
            if std::mem::replace(&mut self.greeted, true) {
                let mut reader = Reader::new(frame);
                let header = RequestHeader::decode(&mut reader).expect("no header");
                self.asked.push_back(header.xid);
            }
        }
        assert!(self.wire.is_empty(), "half a frame");
    }

    fn take(&mut self) {
        self.wire.extend_from_slice(&self.session.take_outgoing());
        self.read_wire();
    }

    fn submit(&mut self, kind: u8, at: u8) {
        let request = request(kind, at);
        let number = self.number();
        let watcher = watch_wanted(&request).map(|_| Number(number));
        let watches = watcher.is_some();
        if self.session.submit(self.now, request, Number(number), watcher).is_ok() {
            self.owe(number);
            if watches {
                self.watchers.insert(number);
            }
        }
        let kept = self.waiting();
        assert!(kept <= 3 * MAX_PENDING, "{kept} requests are kept");
    }

    fn subscribe(&mut self, choice: u8) {
        let mode = mode(choice);
        let path = path(choice >> 1);
        let number = self.number();
        let subscribed = self.session.subscribe(self.now, path.clone(), mode, Number(number));
        if let Ok(subscriber) = subscribed {
            self.owe(number);
            let known = self.subscribers.insert(subscriber, (path, mode, number));
            assert!(known.is_none(), "{subscriber:?} is two");
        }
    }

    fn unsubscribe(&mut self, choice: u8) {
        let at = usize::from(choice) % self.subscribers.len().max(1);
        if let Some(subscriber) = self.subscribers.keys().nth(at).copied()
            && let Some((path, mode, number)) = self.subscribers.remove(&subscriber)
        {
            // Who goes does not wait any more either.
            if let Some(waits) = self.owed.get_mut(&number) {
                *waits = false;
            }
            self.session.unsubscribe(self.now, &path, mode, subscriber);
        }
    }

    fn add_auth(&mut self, secret: u8) {
        let packet = AuthPacket {
            auth_type: 0,
            scheme: ByteString::from_static("digest"),
            auth: Secret(Some(Bytes::from(vec![b'x'; usize::from(secret)]))),
        };
        let number = self.number();
        if self.session.add_auth(self.now, packet, Some(Number(number))).is_ok() {
            self.owe(number);
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.wake();
    }

    /// Calls the machine as long as something is due.
    fn wake(&mut self) {
        for _ in 0..PATIENCE {
            let due = self.settle();
            if due.is_none_or(|at| at > self.now) {
                return;
            }
            self.session.handle_timeout(self.now);
        }
        panic!("what is due is never done: {:?}", self.settle());
    }

    /// Does what the machine wants to be done.
    fn settle(&mut self) -> Option<Instant> {
        for _ in 0..PATIENCE {
            match self.session.poll_output() {
                Output::Wait(due) => return due.map(|(at, _)| at),
                Output::Finished => {
                    self.finished = true;
                    return None;
                }
                output => self.carry_out(output),
            }
        }
        panic!("outputs without end");
    }

    fn carry_out(&mut self, output: Output<Number, Number>) {
        assert!(!self.finished, "{output:?} after the end");
        match output {
            Output::Resolve { names, .. } => {
                for name in names {
                    assert!(!self.names.contains(&name), "{name} is asked for twice at a time");
                    self.names.push(name);
                }
            }
            Output::Dial(_) => {
                assert_eq!(self.link, Link::Down, "dials on a connection");
                self.link = Link::Dialling;
            }
            Output::HangUp => {
                assert_ne!(self.link, Link::Down, "hangs up on nobody");
                self.drop_link();
            }
            Output::Reply { ticket: Number(number), outcome: _ } => {
                let owed = self.owed.remove(&number);
                assert!(owed.is_some(), "{number} comes back and was not owed");
            }
            Output::Notify { watcher: Number(number), event: _ } => {
                assert!(self.watchers.remove(&number), "{number} is told twice, or of nothing");
            }
            Output::Tell { subscribers, news: _ } => {
                for subscriber in subscribers {
                    assert!(self.subscribers.contains_key(&subscriber), "{subscriber:?} is gone");
                }
            }
            Output::StateChanged(state) => {
                assert!(!self.state.is_over(), "from {:?} to {state:?}", self.state);
                assert_ne!(state, SessionState::Connecting);
                self.state = state;
            }
            Output::Probe { .. } | Output::Wait(_) | Output::Finished => {}
        }
    }
}

/// Between one host and three; at first all of them.
fn hosts(choice: u8) -> Vec<HostPort> {
    let ports = (1..=3_u8).filter(|port| choice & (1 << (port - 1)) == 0 || *port == 3);
    ports.map(|port| HostPort::new("zk", u16::from(port))).collect()
}

fn mode(choice: u8) -> AddWatchMode {
    if choice & 1 == 0 { AddWatchMode::Persistent } else { AddWatchMode::PersistentRecursive }
}

const MAX_REPLY: usize = 500;
const MAX_PENDING: usize = 20;
const MAX_OUTGOING: usize = 2000;
/// How often the machine may want something at one and the same time.
const PATIENCE: usize = 10_000;

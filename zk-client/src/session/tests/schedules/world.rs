//! A session and its shell, and what must hold between them and a server.

mod shell;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use zk_proto::frame::take_frame;
use zk_proto::jute::Reader;
use zk_proto::message::{ConnectRequest, CreateRequest, GetDataRequest, ReplyHeader};
use zk_proto::op::Request;
use zk_proto::{Decode, SessionId, WatchedEvent, Xid};

use super::super::fixture::{DEADLINE, ID, T, requests};
use super::Step;
use super::ensemble::{Ensemble, LAG};
use super::listeners::{Listeners, MODES, PATHS};
use super::seen::Seen;
use super::server::{Server, THROW_AWAY, number, path};
use crate::connect_string::HostPort;
use crate::options::ExpiryPolicy;
use crate::session::{Session, SessionOptions, Table, Ticket, Trouble};
use crate::state::SessionState;

#[derive(Debug)]
struct Number {
    number: u32,
    gone: Rc<Cell<bool>>,
}

impl Ticket for Number {
    fn is_abandoned(&self) -> bool {
        self.gone.get()
    }
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Link {
    Down,
    Dialling,
    Up,
    /// The server has read the handshake.
    Asked,
    /// The server has answered the handshake.
    Answered,
}

#[expect(clippy::struct_excessive_bools, reason = "each of them is about something else")]
pub(super) struct World {
    session: Session<Number, Number>,
    now: Instant,
    link: Link,
    server: Server,
    ensemble: Ensemble,
    /// Whether the handshake of this connection has said that a read-only server will do.
    puts_up_with_it: bool,
    asks_for_new: bool,
    is_probing: bool,
    /// Whether the last session was one of a read-only server.
    throw_away: bool,
    incoming: BytesMut,
    /// Tickets that are to come back, and whether somebody waits for them.
    owed: BTreeMap<u32, Rc<Cell<bool>>>,
    last_number: u32,
    /// What the shell took, ever.
    taken: BTreeSet<u32>,
    /// What is known not to have been sent.
    not_sent: BTreeSet<u32>,
    /// The last request that was answered on this connection.
    last_answered: u32,
    notified: BTreeSet<u32>,
    /// One-shot watches that somebody may still wait for.
    watching: BTreeMap<u32, Rc<Cell<bool>>>,
    /// Requests that the server may have carried out without our knowing.
    overdue: BTreeSet<u32>,
    listeners: Listeners,
    state: SessionState,
    /// When the session was last proven to live.
    proven: Option<Instant>,
    mad: bool,
    finished: bool,
    seen: Seen,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let options = SessionOptions {
            timeout: T,
            request_timeout: DEADLINE,
            max_request: 1000,
            max_reply: 1000,
            max_pending: 30,
            max_outgoing: 1000,
            server_tick: Some(LAG),
            keep_lease: seed.is_multiple_of(3).then_some(LAG),
            on_expiry: ExpiryPolicy::Fail,
            allow_read_only: seed & 2 == 0,
            seed,
            wants_addresses: false,
            one_round: false,
        };
        let hosts = (1..=3).map(|port| HostPort::new("zk", port)).collect();
        let now = tokio::time::Instant::now().into_std();
        let mut world = Self {
            session: Session::new(options, hosts, now),
            now,
            link: Link::Down,
            server: Server::new(seed.is_multiple_of(2)),
            ensemble: Ensemble::default(),
            puts_up_with_it: false,
            asks_for_new: false,
            is_probing: false,
            throw_away: false,
            incoming: BytesMut::new(),
            owed: BTreeMap::new(),
            last_number: 0,
            taken: BTreeSet::new(),
            not_sent: BTreeSet::new(),
            last_answered: 0,
            notified: BTreeSet::new(),
            watching: BTreeMap::new(),
            overdue: BTreeSet::new(),
            listeners: Listeners::default(),
            state: SessionState::Connecting,
            proven: None,
            mad: false,
            finished: false,
            seen: Seen::default(),
        };
        world.settle();
        world
    }

    pub(super) fn take_step(&mut self, step: &Step) {
        match step {
            Step::Read => self.submit(|path| read(path, false), false),
            Step::WatchedRead => self.submit(|path| read(path, true), true),
            Step::Write => self.submit(write, false),
            Step::GoAway(which) => {
                if let Some((number, gone)) = self.owed.iter().nth(which % self.owed.len().max(1)) {
                    gone.set(true);
                    let number = *number;
                    self.drop_watch(number);
                }
            }
            Step::DropWatch(which) => {
                let chosen = self.watching.keys().nth(which % self.watching.len().max(1)).copied();
                if let Some(number) = chosen.filter(|number| !self.owed.contains_key(number)) {
                    self.drop_watch(number);
                }
            }
            Step::Subscribe(which) => self.subscribe(*which),
            Step::Unsubscribe(which) => self.unsubscribe(*which),
            Step::Change(which) => self.server.change(*which),
            Step::Close => self.close(),
            Step::Connect => self.connect(),
            Step::Grant => self.answer_handshake(ID, 30_000),
            Step::GrantReadOnly => self.reconnect(THROW_AWAY),
            Step::Probed(is_writable) => self.probed(*is_writable),
            Step::CutOff(cut_off) => self.ensemble.cut_off = *cut_off,
            Step::Refuse => self.answer_handshake(SessionId::NONE, 0),
            Step::Take => self.take(),
            Step::Answer if self.is_stuck() => {}
            Step::Answer => self.server.answer(),
            Step::AnswerError if self.is_stuck() => {}
            Step::AnswerError => self.server.answer_error(),
            Step::Event(which) => self.server.event(*which),
            Step::Deliver(length) => self.deliver(*length),
            Step::Reconnect => self.reconnect(ID),
            Step::Disconnect => self.lose(),
            Step::Pass(time) => {
                self.now += *time;
                self.ensemble.pass(self.now);
            }
            Step::Garbage(bytes) => {
                self.mad = true;
                if self.link >= Link::Up {
                    self.server.write(bytes);
                }
            }
        }
        self.settle();
        self.check_lease();
    }

    /// The session is never taken to live on a sign of life that its leader has not got.
    fn check_lease(&mut self) {
        if self.mad {
            return;
        }
        let proven = self.session.proven_life().map(|life| life.proven_at);
        assert!(proven <= self.ensemble.heard(), "{proven:?} of {:?}", self.ensemble);
        assert!(proven.is_none() || !self.throw_away, "nobody keeps a throw-away session");
        self.seen.proven += usize::from(proven > self.proven);
        self.proven = proven;
    }

    /// Without a leader a follower answers no write, nor anything behind one.
    fn is_stuck(&self) -> bool {
        self.ensemble.cut_off && !self.throw_away && self.server.needs_leader()
    }

    fn lose(&mut self) {
        if self.link != Link::Down {
            self.hang_up();
            self.session.handle_disconnected(self.now, Trouble::HungUp);
        }
    }

    fn probed(&mut self, is_writable: bool) {
        if std::mem::take(&mut self.is_probing) {
            self.session.handle_probed(self.now, is_writable);
            self.seen.moved += usize::from(is_writable);
        }
    }

    /// Everybody stops listening, then the shell goes away; nothing may be owed then.
    pub(super) fn end(mut self) -> Seen {
        self.wind_down();
        self.session.abandon();
        self.settle();
        assert!(self.finished);
        self.seen
    }

    fn connect(&mut self) {
        if self.link == Link::Dialling {
            self.link = Link::Up;
            self.session.handle_connected(self.now);
        }
    }

    fn reconnect(&mut self, session_id: SessionId) {
        if self.link == Link::Down {
            self.now += Duration::from_millis(100);
            self.ensemble.pass(self.now);
            self.settle();
        }
        self.connect();
        self.take();
        // One that has lost its ensemble hangs up on whom it cannot serve.
        if session_id == THROW_AWAY && self.link == Link::Asked && !self.puts_up_with_it {
            self.lose();
            return;
        }
        self.answer_handshake(session_id, 30_000);
        self.deliver(usize::MAX);
    }

    fn submit(&mut self, request: impl FnOnce(String) -> Request, watch: bool) {
        self.last_number += 1;
        let number = self.last_number;
        let gone = Rc::new(Cell::new(false));
        let ticket = Number { number, gone: Rc::clone(&gone) };
        let watcher = watch.then(|| Number { number, gone: Rc::clone(&gone) });
        if self.session.submit(self.now, request(path(number)), ticket, watcher).is_ok() {
            if watch {
                self.watching.insert(number, Rc::clone(&gone));
            }
            self.owed.insert(number, gone);
        }
    }

    /// As the handle of a watch does when it is dropped.
    fn drop_watch(&mut self, number: u32) {
        if let Some(gone) = self.watching.remove(&number) {
            gone.set(true);
            self.session.forget_watch(self.now, &path(number).into(), Table::Data);
        }
    }

    fn subscribe(&mut self, which: usize) {
        self.last_number += 1;
        let number = self.last_number;
        let gone = Rc::new(Cell::new(false));
        let ticket = Number { number, gone: Rc::clone(&gone) };
        let (path, mode) = (PATHS[which % PATHS.len()], MODES[which / PATHS.len() % 2]);
        if let Ok(id) = self.session.subscribe(self.now, path.into(), mode, ticket) {
            self.owed.insert(number, gone);
            self.listeners.add(id, number, path, mode);
        }
    }

    fn unsubscribe(&mut self, which: usize) {
        if let Some((subscriber, path, mode, ticket)) = self.listeners.take(which) {
            self.owed.remove(&ticket);
            self.session.unsubscribe(self.now, &path.into(), mode, subscriber);
        }
    }

    /// The server has what is wanted and, once nobody wants anything, nothing.
    fn wind_down(&mut self) {
        if self.mad || !self.run_until_quiet() {
            return;
        }
        for (path, mode) in self.listeners.wanted() {
            assert!(self.server.watches.serves(path, mode), "{path} {mode:?} is not served");
        }
        while !self.listeners.wanted().is_empty() {
            self.unsubscribe(0);
        }
        while let Some(number) = self.watching.keys().next().copied() {
            self.drop_watch(number);
        }
        if !self.run_until_quiet() {
            return;
        }
        assert!(!self.server.watches.has_persistent(), "a persistent watch is left");
        for left in &self.server.watches.one_shot {
            assert!(self.overdue.contains(&left[1..].parse().unwrap()), "{left} is left");
        }
        assert_eq!(self.session.watches.count(), (0, 0));
        self.seen.cleaned += 1;
    }

    /// Without further faults; tells whether the session is alive.
    fn run_until_quiet(&mut self) -> bool {
        self.ensemble.cut_off = false;
        if self.throw_away {
            self.lose();
            self.settle();
        }
        for _ in 0..20 {
            if self.finished {
                return false;
            }
            if self.link < Link::Answered {
                self.reconnect(ID);
            }
            self.take();
            while !self.server.is_quiet() {
                self.server.answer();
                self.deliver(usize::MAX);
                self.settle();
                self.take();
            }
        }
        !self.finished && self.link == Link::Answered && self.state.is_connected()
    }

    fn close(&mut self) {
        self.last_number += 1;
        let gone = Rc::new(Cell::new(false));
        let ticket = Number { number: self.last_number, gone: Rc::clone(&gone) };
        if self.session.close(self.now, Some(ticket)).is_ok() {
            self.owed.insert(self.last_number, gone);
        }
    }

    fn answer_handshake(&mut self, session_id: SessionId, timeout: i32) {
        // Whom a deposed leader does not know it cannot let in.
        if self.link != Link::Asked || (self.asks_for_new && self.ensemble.cut_off) {
            return;
        }
        if session_id == ID {
            self.ensemble.granted(self.now);
        }
        self.server.answer_handshake(session_id, timeout);
        self.link = Link::Answered;
    }

    /// The shell writes all it can, and the server reads it.
    fn take(&mut self) {
        let mut wire = BytesMut::from(self.session.take_outgoing());
        if wire.is_empty() {
            return;
        }
        assert!(self.link >= Link::Up, "nothing is written without a connection");
        if self.link == Link::Up {
            let frame = take_frame(&mut wire, usize::MAX).unwrap().unwrap();
            let asked = ConnectRequest::decode(&mut Reader::new(frame)).unwrap();
            assert!(asked.last_zxid_seen <= self.server.zxid() || self.mad);
            self.link = Link::Asked;
            self.puts_up_with_it = asked.read_only == Some(true);
            self.asks_for_new = asked.session_id == SessionId::NONE;
            assert!(asked.session_id != THROW_AWAY, "it is not to be taken up again");
        }
        for (xid, request) in requests(wire) {
            if let Some(number) = number(&request) {
                assert!(!self.not_sent.contains(&number), "{number} is sent after all");
                let first = self.taken.insert(number);
                assert!(first || !matches!(request, Request::Create2(_)), "written twice");
            }
            if !matches!(request, Request::Auth(_)) {
                self.ensemble.noted(self.now);
            }
            self.server.read(xid, request);
        }
    }

    fn deliver(&mut self, length: usize) {
        if self.link >= Link::Up {
            let mut arrived = self.server.arrive(length);
            while !arrived.is_empty() && self.link >= Link::Up {
                self.deliver_frame(&mut arrived);
            }
        }
    }

    /// Frame by frame, to look at what each of them does.
    fn deliver_frame(&mut self, arrived: &mut BytesMut) {
        let mut whole = self.incoming.clone();
        whole.extend_from_slice(arrived);
        let length = whole.len();
        let frame = take_frame(&mut whole, usize::MAX).ok().flatten();
        let left = if frame.is_some() { whole.len() } else { 0 };
        let present = arrived.split_to(arrived.len() - left.min(arrived.len()));
        assert!(length >= present.len());
        self.incoming.extend_from_slice(&present);
        let was_answered = self.is_answered();
        self.session.handle_bytes(self.now, &mut self.incoming);
        self.settle();
        if let Some(frame) = frame
            && was_answered
            && !self.mad
        {
            let mut reader = Reader::new(frame);
            let header = ReplyHeader::decode(&mut reader).unwrap();
            if header.xid == Xid::NOTIFICATION {
                self.listeners.check_told(&WatchedEvent::decode(&mut reader).unwrap());
            }
        }
    }

    /// Whether the session is told to be on a connection.
    const fn is_answered(&self) -> bool {
        matches!(
            self.state,
            SessionState::Connected { .. } | SessionState::ConnectedReadOnly { .. }
        )
    }

    fn hang_up(&mut self) {
        self.link = Link::Down;
        self.is_probing = false;
        self.puts_up_with_it = false;
        self.ensemble.left();
        self.server.hang_up();
        self.incoming.clear();
        self.last_answered = 0;
    }
}

fn read(path: String, watch: bool) -> Request {
    Request::GetData(GetDataRequest { path: path.into(), watch })
}

fn write(path: String) -> Request {
    let path = path.into();
    Request::Create2(CreateRequest { path, data: None, acl: None, flags: 0 })
}

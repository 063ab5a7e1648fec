//! A session and its shell, and what must hold between them and a server.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use zk_proto::frame::take_frame;
use zk_proto::jute::Reader;
use zk_proto::message::{ConnectRequest, CreateRequest, GetDataRequest};
use zk_proto::op::Request;
use zk_proto::{Decode, SessionId};

use super::super::fixture::{DEADLINE, ID, T, requests};
use super::Step;
use super::server::{Server, number, path};
use crate::connect_string::HostPort;
use crate::error::Delivery;
use crate::session::{Answer, Failure, Output, Session, SessionOptions, Ticket, Trouble};
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

/// How often what happened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) answered: usize,
    pub(super) timed_out: usize,
    pub(super) in_doubt: usize,
    pub(super) notified: usize,
    pub(super) resumed: usize,
    pub(super) over: usize,
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

pub(super) struct World {
    session: Session<Number, Number>,
    now: Instant,
    link: Link,
    server: Server,
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
    state: SessionState,
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
            seed,
        };
        let hosts = (1..=3).map(|port| HostPort::new("zk", port)).collect();
        let now = tokio::time::Instant::now().into_std();
        let mut world = Self {
            session: Session::new(options, hosts, now),
            now,
            link: Link::Down,
            server: Server::default(),
            incoming: BytesMut::new(),
            owed: BTreeMap::new(),
            last_number: 0,
            taken: BTreeSet::new(),
            not_sent: BTreeSet::new(),
            last_answered: 0,
            notified: BTreeSet::new(),
            state: SessionState::Connecting,
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
                if let Some((_, gone)) = self.owed.iter().nth(which % self.owed.len().max(1)) {
                    gone.set(true);
                }
            }
            Step::Close => self.close(),
            Step::Connect => self.connect(),
            Step::Grant => self.answer_handshake(ID, 30_000),
            Step::Refuse => self.answer_handshake(SessionId::NONE, 0),
            Step::Take => self.take(),
            Step::Answer => self.server.answer(),
            Step::AnswerError => self.server.answer_error(),
            Step::Event(which) => self.server.event(*which),
            Step::Deliver(length) => self.deliver(*length),
            Step::Reconnect => self.reconnect(),
            Step::Disconnect => {
                if self.link != Link::Down {
                    self.hang_up();
                    self.session.handle_disconnected(self.now, Trouble::HungUp);
                }
            }
            Step::Pass(time) => self.now += *time,
            Step::Garbage(bytes) => {
                self.mad = true;
                if self.link >= Link::Up {
                    self.server.write(bytes);
                }
            }
        }
        self.settle();
    }

    /// The shell goes away; nothing may be owed then.
    pub(super) fn end(mut self) -> Seen {
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

    fn reconnect(&mut self) {
        if self.link == Link::Down {
            self.now += Duration::from_millis(100);
            self.settle();
        }
        self.connect();
        self.take();
        self.answer_handshake(ID, 30_000);
        self.deliver(usize::MAX);
    }

    fn submit(&mut self, request: impl FnOnce(String) -> Request, watch: bool) {
        self.last_number += 1;
        let number = self.last_number;
        let gone = Rc::new(Cell::new(false));
        let ticket = Number { number, gone: Rc::clone(&gone) };
        let watcher = watch.then(|| Number { number, gone: Rc::clone(&gone) });
        if self.session.submit(self.now, request(path(number)), ticket, watcher).is_ok() {
            self.owed.insert(number, gone);
        }
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
        if self.link == Link::Asked {
            self.server.answer_handshake(session_id, timeout);
            self.link = Link::Answered;
        }
    }

    /// The shell writes all it can, and the server reads it.
    fn take(&mut self) {
        let mut wire = BytesMut::new();
        self.session.take_outgoing(&mut wire);
        if wire.is_empty() {
            return;
        }
        assert!(self.link >= Link::Up, "nothing is written without a connection");
        if self.link == Link::Up {
            let frame = take_frame(&mut wire, usize::MAX).unwrap().unwrap();
            let asked = ConnectRequest::decode(&mut Reader::new(frame)).unwrap();
            assert!(asked.last_zxid_seen <= self.server.zxid() || self.mad);
            self.link = Link::Asked;
        }
        for (xid, request) in requests(wire) {
            if let Some(number) = number(&request) {
                assert!(!self.not_sent.contains(&number), "{number} is sent after all");
                let first = self.taken.insert(number);
                assert!(first || !matches!(request, Request::Create2(_)), "written twice");
            }
            self.server.read(xid, request);
        }
    }

    fn deliver(&mut self, length: usize) {
        if self.link >= Link::Up {
            self.incoming.extend_from_slice(&self.server.arrive(length));
            self.session.handle_bytes(self.now, &mut self.incoming);
        }
    }

    fn hang_up(&mut self) {
        self.link = Link::Down;
        self.server.hang_up();
        self.incoming.clear();
        self.last_answered = 0;
    }

    /// What a shell does after every input: outputs, and timers that are due.
    fn settle(&mut self) {
        // Due, dialled without a pause, nothing more.
        for _ in 0..3 {
            let Some(due) = self.carry_out() else {
                return;
            };
            if due > self.now {
                return;
            }
            self.session.handle_timeout(self.now);
        }
        let due = self.carry_out();
        assert!(due.is_none_or(|due| due > self.now), "a timer that is always due");
    }

    /// Until the session waits; `None` when it does not wait for anything any more.
    fn carry_out(&mut self) -> Option<Instant> {
        loop {
            match self.session.poll_output() {
                Output::Wait(due) => return Some(due.expect("something to wait for").0),
                Output::Finished => {
                    self.finish();
                    return None;
                }
                output => self.carry_out_one(output),
            }
        }
    }

    fn carry_out_one(&mut self, output: Output<Number, Number>) {
        assert!(!self.finished, "{output:?}");
        match output {
            Output::Dial(_) => {
                assert_eq!(self.link, Link::Down);
                self.link = Link::Dialling;
            }
            Output::HangUp => {
                assert_ne!(self.link, Link::Down);
                self.hang_up();
            }
            Output::Reply { ticket, outcome } => self.replied(&ticket, outcome),
            Output::Notify { watcher, event } => {
                assert_eq!(event.path, path(watcher.number));
                assert!(self.notified.insert(watcher.number), "told twice");
                self.seen.notified += 1;
            }
            Output::StateChanged(state) => self.change_state(state),
            Output::Wait(_) | Output::Finished => unreachable!("the caller takes these"),
        }
    }

    fn replied(&mut self, ticket: &Number, outcome: Result<Answer, Failure>) {
        let number = ticket.number;
        assert!(self.owed.remove(&number).is_some(), "{number} came back before");
        match outcome {
            Ok(answer) => {
                let own = path(number);
                let body = &answer.body;
                let is_own = body.windows(own.len()).any(|part| part == own.as_bytes());
                assert!(is_own || body.is_empty() || self.mad, "{number} got {body:?}");
                self.answered_in_order(number);
            }
            Err(Failure::Server(_)) => self.answered_in_order(number),
            Err(Failure::Timeout(delivery) | Failure::ConnectionLoss(delivery)) => {
                if delivery == Delivery::NotSent {
                    assert!(!self.taken.contains(&number), "{number} was sent");
                    self.not_sent.insert(number);
                }
                self.seen.timed_out += 1;
                self.seen.in_doubt += usize::from(delivery == Delivery::Unknown);
            }
            Err(Failure::ReplyTooLarge { .. }) => assert!(self.mad),
            Err(Failure::SessionExpired | Failure::AuthFailed | Failure::Closed) => {
                self.seen.over += 1;
            }
        }
    }

    fn answered_in_order(&mut self, number: u32) {
        assert!(self.last_answered < number, "{number} overtook {}", self.last_answered);
        self.last_answered = number;
        self.seen.answered += 1;
    }

    fn change_state(&mut self, state: SessionState) {
        use SessionState::{Closed, Connected, Connecting, Disconnected, Expired};
        let allowed = match (&self.state, &state) {
            (Connecting, Connected { resumed, .. }) => !resumed,
            (Disconnected { .. }, Connected { resumed, .. }) => *resumed,
            (Connected { .. }, Disconnected { .. }) => true,
            (Expired | Closed, _) => false,
            (_, Expired | Closed) => true,
            _ => false,
        };
        assert!(allowed, "from {:?} to {state:?}", self.state);
        self.seen.resumed += usize::from(matches!(state, Connected { resumed: true, .. }));
        self.state = state;
    }

    fn finish(&mut self) {
        self.finished = true;
        let waiting = self.owed.iter().filter(|(_, gone)| !gone.get());
        assert_eq!(waiting.count(), 0, "{:?} never came back", self.owed);
        assert!(self.state.is_over());
        assert_eq!(self.link, Link::Down);
        let mut wire = BytesMut::new();
        self.session.take_outgoing(&mut wire);
        assert!(wire.is_empty());
    }
}

impl Seen {
    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            answered: self.answered + other.answered,
            timed_out: self.timed_out + other.timed_out,
            in_doubt: self.in_doubt + other.in_doubt,
            notified: self.notified + other.notified,
            resumed: self.resumed + other.resumed,
            over: self.over + other.over,
        }
    }
}

fn read(path: String, watch: bool) -> Request {
    Request::GetData(GetDataRequest { path: path.into(), watch })
}

fn write(path: String) -> Request {
    let path = path.into();
    Request::Create2(CreateRequest { path, data: None, acl: None, flags: 0 })
}

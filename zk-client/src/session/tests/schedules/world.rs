//! A session and its shell, and what must hold between them and a server.

mod link;
mod search;
mod sessions;
mod shell;
mod users;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Instant;

use bytes::BytesMut;
use zk_proto::SessionId;
use zk_proto::message::{CreateRequest, GetDataRequest};
use zk_proto::op::Request;

use super::super::fixture::{DEADLINE, T};
use super::Step;
use super::ensemble::{Ensemble, LAG};
use super::listeners::Listeners;
use super::seen::Seen;
use super::server::{Server, THROW_AWAY, path};
use crate::options::ExpiryPolicy;
use crate::session::{Session, SessionOptions, Ticket};
use crate::state::{Generation, SessionState};
use search::Search;
use sessions::Sessions;

#[derive(Debug)]
struct Number {
    number: u32,
    gone: Rc<Cell<bool>>,
    is_bound: bool,
}

impl Ticket for Number {
    fn is_abandoned(&self) -> bool {
        self.gone.get()
    }

    fn is_bound(&self) -> bool {
        self.is_bound
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
    /// Tickets of credentials.
    credentials: BTreeSet<u32>,
    /// What the present handle of those is bound to that are.
    bound: Option<Generation>,
    bound_numbers: BTreeMap<u32, Generation>,
    search: Search,
    sessions: Sessions,
    state: SessionState,
    /// When the session was last proven to live.
    proven: Option<Instant>,
    /// When the session wants to be asked again.
    due: Instant,
    /// Whether a server has refused who we say we are.
    refused: bool,
    /// Whether no server can be connected to in the end.
    fails_everywhere: bool,
    mad: bool,
    finished: bool,
    seen: Seen,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let now = tokio::time::Instant::now().into_std();
        let on_expiry = ALL_POLICIES[usize::from(!seed.is_multiple_of(3))];
        let mut world = Self {
            session: session(on_expiry, seed, now),
            sessions: Sessions::new(on_expiry, seed),
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
            credentials: BTreeSet::new(),
            bound: None,
            bound_numbers: BTreeMap::new(),
            search: Search::new(wants_addresses(seed)),
            state: SessionState::Connecting,
            proven: None,
            due: now,
            refused: false,
            fails_everywhere: seed & 4 == 0,
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
            Step::GrantReadOnly => self.reconnect(THROW_AWAY),
            Step::Probed(is_writable) => self.probed(*is_writable),
            Step::CutOff(cut_off) => self.ensemble.cut_off(*cut_off),
            Step::Detach => self.detach(),
            Step::Resume => self.resume(),
            Step::Expire => self.expire(),
            Step::Grant => self.grant(),
            Step::Refuse => self.answer_handshake(SessionId::NONE, 0),
            Step::Take => self.take(),
            Step::Answer if self.is_stuck() => {}
            Step::Answer => self.server.answer(),
            Step::AnswerError if self.is_stuck() => {}
            Step::AnswerError => self.server.answer_error(),
            Step::Event(which) => self.server.event(*which),
            Step::Deliver(length) => self.deliver(*length),
            Step::Reconnect => self.reconnect(SessionId::NONE),
            Step::Disconnect => self.lose(),
            Step::Pass(time) => {
                self.now += *time;
                self.ensemble.pass(self.now);
                self.give_up_names();
            }
            Step::UpdateHosts(which) => self.update_hosts(*which),
            Step::Resolve(which) => self.resolve(*which),
            Step::AddCredential(which) => self.add_credential(*which),
            Step::RefuseCredential => self.refused |= self.server.refuse_credential(),
            Step::Bind => self.bind(),
            Step::BoundRead => self.submit_bound(|path| read(path, false)),
            Step::BoundWrite => self.submit_bound(write),
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

    /// Everybody stops listening, then the shell goes away; nothing may be owed then.
    pub(super) fn end(mut self) -> Seen {
        if self.fails_everywhere && !self.mad && !self.finished {
            self.fail_everywhere();
        }
        self.wind_down();
        self.session.abandon();
        self.settle();
        assert!(self.finished);
        self.seen
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
        self.ensemble.cut_off(false);
        if self.link == Link::Answered && (self.server.is_read_only() || !self.sessions.is_alive())
        {
            self.lose();
            self.settle();
        }
        for _ in 0..20 {
            if self.finished {
                return false;
            }
            if self.link < Link::Answered {
                self.now = self.now.max(self.due);
                self.ensemble.pass(self.now);
                self.settle();
                self.reconnect(SessionId::NONE);
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
}

fn session(on_expiry: ExpiryPolicy, seed: u64, now: Instant) -> Session<Number, Number> {
    let options = SessionOptions {
        timeout: T,
        request_timeout: DEADLINE,
        max_request: 1000,
        max_reply: 1000,
        max_pending: 30,
        max_outgoing: 1000,
        server_tick: Some(LAG),
        keep_lease: seed.is_multiple_of(5).then_some(LAG),
        on_expiry,
        allow_read_only: seed & 2 == 0,
        seed,
        wants_addresses: wants_addresses(seed),
        one_round: false,
    };
    let session = Session::new(options, search::hosts(0), now);
    #[cfg(feature = "sasl")]
    if seed & 16 == 0 {
        let mut session = session;
        session.use_sasl(crate::sasl::DigestMd5::new("bob", "secret"), [7; 16]);
        return session;
    }
    session
}

const fn wants_addresses(seed: u64) -> bool {
    seed & 8 == 0
}

const ALL_POLICIES: [ExpiryPolicy; 2] = [ExpiryPolicy::Fail, ExpiryPolicy::NewSession];

fn read(path: String, watch: bool) -> Request {
    Request::GetData(GetDataRequest { path: path.into(), watch })
}

fn write(path: String) -> Request {
    let path = path.into();
    Request::Create2(CreateRequest { path, data: None, acl: None, flags: 0 })
}

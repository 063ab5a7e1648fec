//! Which sessions there are, by the server's account, and what a client may say and do in them.

use std::collections::{BTreeMap, BTreeSet};

use zk_proto::message::ConnectRequest;
use zk_proto::{SessionId, Zxid};

use super::super::super::fixture::ID;
use super::{Cell, Listeners, Number, Rc, World, session};
use crate::options::ExpiryPolicy;
use crate::saved_session::SavedSession;
use crate::state::{Generation, SessionContinuity, SessionState};

/// The reference: the server knows one session at most, and the client none but that.
pub(super) struct Sessions {
    pub(super) on_expiry: ExpiryPolicy,
    pub(super) seed: u64,
    known: Option<SessionId>,
    last: SessionId,
    /// By the last handshake.
    asked: SessionId,
    /// The answer to it.
    granted: SessionId,
    /// What the client was last told to be connected to, and as which generation.
    told: Option<(SessionId, Generation)>,
    /// How often the client was told that its session is renewed.
    renewals: u64,
    /// How often it was by the time that each request was submitted.
    submitted: BTreeMap<u32, u64>,
    detaching: Option<u32>,
    saved: Option<SavedSession>,
    resumed: Option<SavedSession>,
    taken_over: Option<SessionId>,
}

impl Sessions {
    pub(super) const fn new(on_expiry: ExpiryPolicy, seed: u64) -> Self {
        Self {
            on_expiry,
            seed,
            known: None,
            last: ID,
            asked: SessionId::NONE,
            granted: SessionId::NONE,
            told: None,
            renewals: 0,
            submitted: BTreeMap::new(),
            detaching: None,
            saved: None,
            resumed: None,
            taken_over: None,
        }
    }

    pub(super) const fn expire(&mut self) {
        self.known = None;
    }

    /// What an honest server answers to the handshake.
    fn answer(&mut self) -> SessionId {
        if self.asked == SessionId::NONE {
            self.last = SessionId(self.last.0 + 1);
            self.known = Some(self.last);
        }
        self.known
            .filter(|known| self.asked == SessionId::NONE || *known == self.asked)
            .unwrap_or(SessionId::NONE)
    }

    pub(super) fn asked(&mut self, request: &ConnectRequest, mad: bool) {
        self.asked = request.session_id;
        if let Some((told, _)) = self.told {
            assert!([told, SessionId::NONE, self.granted].contains(&self.asked) || mad);
        } else if let Some(resumed) = self.resumed.take() {
            let (id, password, zxid) = resumed.into_parts();
            assert_eq!((request.session_id, request.last_zxid_seen), (id, zxid));
            assert_eq!(request.passwd, password);
        }
    }

    pub(super) fn answered(&mut self, granted: SessionId) {
        if granted == SessionId::NONE && self.asked != SessionId::NONE {
            // A server that says so has ended it.
            self.known = None;
        }
        self.granted = granted;
    }

    /// Whether the server of this connection is right in thinking that the session lives.
    pub(super) fn is_alive(&self) -> bool {
        self.known == Some(self.granted)
    }

    pub(super) fn submitted(&mut self, number: u32) {
        self.submitted.insert(number, self.renewals);
    }

    /// Nothing goes out, and nothing is answered, in another session than it was asked in. One of a
    /// read-only server is none: what waits for a session may be asked there, and asked again.
    pub(super) fn check_sent(&self, number: u32) {
        let asked = self.submitted.get(&number);
        let present = self.renewals;
        assert!(asked.is_none_or(|asked| *asked == present), "{number} of {asked:?}");
    }

    pub(super) fn check_state(&mut self, state: &SessionState) {
        match *state {
            SessionState::Connected { session_id, generation, session, .. } => {
                let before = self.told.replace((session_id, generation));
                match (session, before) {
                    (SessionContinuity::Same, Some(before)) => {
                        assert_eq!(before, (session_id, generation));
                    }
                    (SessionContinuity::Same, None) => assert_eq!(self.asked, session_id),
                    (SessionContinuity::New, Some(before)) => {
                        assert!(before.0 != session_id && before.1 < generation, "{state:?}");
                    }
                    (SessionContinuity::New, None) => {}
                }
            }
            SessionState::Renewing { expired } => {
                self.renewals += 1;
                assert_eq!(self.on_expiry, ExpiryPolicy::NewSession);
                assert_eq!(self.asked, expired);
            }
            SessionState::Expired => {
                let left = self.detaching.is_some();
                assert!(self.on_expiry == ExpiryPolicy::Fail || left, "it was to be renewed");
            }
            _ => {}
        }
    }

    /// Whether a ticket is that of somebody who wants to leave.
    pub(super) fn detached(&self, number: u32) -> bool {
        self.detaching == Some(number)
    }
}

impl World {
    pub(super) fn grant(&mut self) {
        if self.may_answer() {
            let granted = self.sessions.answer();
            self.answer_handshake(granted, if granted == SessionId::NONE { 0 } else { 30_000 });
        }
    }

    /// The leader forgets the session, and the follower has not heard of it yet.
    pub(super) const fn expire(&mut self) {
        self.sessions.expire();
        self.ensemble.expired();
    }

    pub(super) fn detach(&mut self) {
        self.last_number += 1;
        let gone = Rc::new(Cell::new(false));
        let ticket = Number { number: self.last_number, gone: Rc::clone(&gone), is_bound: false };
        // Before the outputs are looked at: there may be nothing to wait for.
        if self.session.detach(self.now, ticket).is_ok() {
            self.sessions.detaching = Some(self.last_number);
            self.owed.insert(self.last_number, gone);
        }
    }

    /// The session may be taken over: whoever has asked for something has an answer.
    pub(super) fn check_detached(&mut self) {
        let submitted = &self.sessions.submitted;
        let waits = |(number, gone): &(&u32, &Rc<Cell<bool>>)| {
            !gone.get() && submitted.contains_key(*number)
        };
        assert_eq!(self.owed.iter().filter(waits).count(), 0, "{:?} is unanswered", self.owed);
        let Ok(saved) = self.session.leave() else {
            return;
        };
        // One that was taken over may be left before it is known to be alive.
        let told = self.sessions.told.map(|(id, _)| id);
        let alive = [told, self.sessions.taken_over, Some(self.sessions.granted)];
        assert!(alive.contains(&Some(saved.session_id())), "{saved:?} of {alive:?}");
        assert!(saved.last_zxid() >= Zxid::ZERO);
        self.sessions.saved = Some(saved);
        self.seen.detached += 1;
    }

    /// Somebody else goes on with what was left.
    pub(super) fn resume(&mut self) {
        if !self.finished {
            return;
        }
        let Some(saved) = self.sessions.saved.take() else {
            return;
        };
        let sessions = &mut self.sessions;
        self.session = session(sessions.on_expiry, sessions.seed, self.now);
        self.session.resume(saved.clone());
        (sessions.told, sessions.renewals, sessions.detaching) = (None, 0, None);
        sessions.taken_over = Some(saved.session_id());
        sessions.resumed = Some(saved);
        self.owed.clear();
        self.watching.clear();
        self.listeners = Listeners::default();
        self.state = SessionState::Connecting;
        (self.throw_away, self.proven) = (false, None);
        (self.bound, self.credentials) = (None, BTreeSet::new());
        self.search.begin();
        self.finished = false;
        self.seen.taken_over += 1;
    }
}

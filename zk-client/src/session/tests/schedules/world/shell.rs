//! What a shell does with a session, and what must hold of all that comes out of it.

use std::time::Instant;

use bytes::BytesMut;

use super::{Link, Number, World, path};
use crate::error::Delivery;
use crate::session::{Answer, Failure, Output};
use crate::state::{SessionContinuity, SessionState};

impl World {
    /// What a shell does after every input: outputs, and timers that are due.
    pub(super) fn settle(&mut self) {
        // Due, dialled without a pause, nothing more.
        for _ in 0..3 {
            let Some(due) = self.carry_out() else {
                return;
            };
            if due > self.now {
                self.due = due;
                return;
            }
            self.session.handle_timeout(self.now);
        }
        if let Some(due) = self.carry_out() {
            assert!(due > self.now, "a timer that is always due");
            self.due = due;
        }
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
            Output::Resolve { names, limit } => self.search.ask(names, self.now + limit),
            Output::Dial(endpoint) => {
                assert_eq!(self.link, Link::Down);
                self.search.dial(&endpoint);
                self.link = Link::Dialling;
            }
            Output::HangUp => {
                assert_ne!(self.link, Link::Down);
                self.hang_up();
            }
            Output::Probe { endpoint, .. } => {
                self.search.probe(endpoint);
                assert_eq!(self.link, Link::Answered);
                assert!(!std::mem::replace(&mut self.is_probing, true), "one at a time");
            }
            Output::Reply { ticket, outcome } => self.replied(&ticket, outcome),
            Output::Notify { watcher, event } => {
                assert_eq!(event.path, path(watcher.number));
                assert!(self.notified.insert(watcher.number), "told twice");
                self.watching.remove(&watcher.number);
                self.seen.notified += 1;
            }
            Output::Tell { subscribers, news } => {
                self.listeners.hear(&subscribers, &news, &mut self.seen);
            }
            Output::StateChanged(state) => self.change_state(state),
            Output::Wait(_) | Output::Finished => unreachable!("the caller takes these"),
        }
    }

    fn replied(&mut self, ticket: &Number, outcome: Result<Answer, Failure>) {
        let number = ticket.number;
        assert!(self.owed.remove(&number).is_some(), "{number} came back before");
        if self.listeners.replied(number, &outcome) {
            return;
        }
        if self.credentials.remove(&number) {
            self.seen.known += usize::from(outcome.is_ok());
            return;
        }
        if outcome.is_err() {
            self.drop_watch(number);
        }
        match outcome {
            Ok(answer) => {
                if self.sessions.detached(number) {
                    self.check_detached();
                    return;
                }
                self.sessions.check_sent(number);
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
                self.overdue.insert(number);
                self.seen.timed_out += 1;
                self.seen.in_doubt += usize::from(delivery == Delivery::Unknown);
            }
            Err(Failure::ReplyTooLarge { .. }) => assert!(self.mad),
            Err(Failure::SessionExpired | Failure::AuthFailed(_) | Failure::Closed) => {
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
        use SessionContinuity::{New, Same};
        use SessionState::{
            AuthFailed, Closed, Connected, ConnectedReadOnly, Connecting, Disconnected, Expired,
            Renewing,
        };
        let allowed = match (&self.state, &state) {
            (Connecting | Renewing { .. }, Connected { .. } | ConnectedReadOnly { .. })
            | (Disconnected { .. } | Renewing { .. }, Renewing { .. })
            | (Connected { .. } | ConnectedReadOnly { .. }, Disconnected { .. }) => true,
            (Disconnected { .. }, Connected { session, .. }) => {
                (*session == New) == self.throw_away
            }
            // A session of the ensemble does not go to a read-only server.
            (Disconnected { .. }, ConnectedReadOnly { .. }) => self.throw_away,
            (Expired | Closed, _) => false,
            (AuthFailed { .. }, _) => false,
            (_, Expired | Closed) => true,
            (_, AuthFailed { .. }) => self.refused || self.mad,
            _ => false,
        };
        assert!(allowed, "from {:?} to {state:?}", self.state);
        self.sessions.check_state(&state);
        self.seen.resumed += usize::from(matches!(state, Connected { session: Same, .. }));
        match state {
            Connected { .. } | ConnectedReadOnly { .. } => {
                self.throw_away = matches!(state, ConnectedReadOnly { .. });
                self.seen.read_only += usize::from(self.throw_away);
                self.listeners.resumed();
            }
            Renewing { .. } => {
                self.throw_away = false;
                self.seen.renewed += 1;
            }
            Connecting | Disconnected { .. } | Expired | AuthFailed { .. } | Closed => {}
        }
        self.state = state;
    }

    fn finish(&mut self) {
        self.finished = true;
        let waiting = self.owed.iter().filter(|(_, gone)| !gone.get());
        assert_eq!(waiting.count(), 0, "{:?} never came back", self.owed);
        assert!(self.state.is_over());
        assert_eq!(self.link, Link::Down);
        let wire = BytesMut::from(self.session.take_outgoing());
        assert!(wire.is_empty());
    }
}

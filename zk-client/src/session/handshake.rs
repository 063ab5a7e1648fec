//! From a fresh connection to a session that serves.

use std::time::{Duration, Instant};

use bytes::Bytes;
use zk_proto::jute::Reader;
use zk_proto::message::{ConnectRequest, ConnectResponse};
use zk_proto::{Decode, Password, SessionId, Zxid};

use super::entry::Purpose;
use super::output::{News, Ticket};
use super::read_only::gives_no_session;
use super::{Moving, Phase, Serving, Session, Trouble};
use crate::error::Violation;
use crate::state::{SessionContinuity, SessionState};

impl<T: Ticket, W: Ticket> Session<T, W> {
    pub(super) fn connect_request(&self) -> ConnectRequest {
        let new = self.wants_new_session();
        let (session_id, passwd) =
            if new { (SessionId::NONE, Password::NONE) } else { (self.id, self.password.clone()) };
        ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: self.last_zxid_seen(),
            timeout: i32::try_from(self.options.timeout.as_millis()).unwrap_or(i32::MAX),
            session_id,
            passwd,
            read_only: Some(new && self.options.allow_read_only),
        }
    }

    /// What a server must have applied to go on with this session: what replies have shown, and what
    /// events have told of. ZooKeeper's client has only the replies, and can so be told of a change
    /// by one server that the next one does not show.
    pub(super) fn last_zxid_seen(&self) -> Zxid {
        self.last_zxid.max(self.last_event_zxid)
    }

    /// The first frame of a connection.
    pub(super) fn handle_connect_response(&mut self, now: Instant, frame: Bytes) {
        let response = match ConnectResponse::decode(&mut Reader::new(frame.clone())) {
            Ok(response) => response,
            Err(_) if gives_no_session(&frame) => {
                self.hang_up(now, Trouble::NoReadOnlySession);
                return;
            }
            Err(error) => {
                self.hang_up(now, Trouble::Violation(Violation::Undecodable(error)));
                return;
            }
        };
        if response.read_only == Some(true)
            && !(self.options.allow_read_only && self.wants_new_session())
        {
            // Whatever it says of the session, it cannot know.
            self.hang_up(now, Trouble::ReadOnly);
            return;
        }
        // Java goes by the timeout, the C client by the id (protocol of both: 0 means expired).
        let Some(timeout) = granted(&response) else {
            self.refused(now);
            return;
        };
        if !self.wants_new_session() && response.session_id != self.id {
            self.hang_up(now, Trouble::Violation(Violation::ForeignSession));
            return;
        }
        self.established(now, &response, timeout);
    }

    /// The session we asked for is over; a new one cannot be refused by an honest server.
    fn refused(&mut self, now: Instant) {
        if self.wants_new_session() {
            self.hang_up(now, Trouble::Violation(Violation::NoSession));
        } else {
            self.expired(now);
        }
    }

    fn established(&mut self, now: Instant, response: &ConnectResponse, timeout: Duration) {
        let asked = self.asked_at().unwrap_or(now);
        let read_only = response.read_only == Some(true);
        if read_only {
            self.lease.session_over();
        } else if self.wants_new_session() {
            // Also where a session was to be resumed, and none was named.
            self.continuity = SessionContinuity::New;
            self.lease.created(asked, timeout);
        } else {
            self.lease.renewed(asked, timeout);
        }
        self.leave_throw_away(now, read_only);
        self.id = response.session_id;
        self.password = own(&response.passwd);
        self.timeout = timeout;
        #[cfg(feature = "sasl")]
        if self.begin_sasl(now) {
            return;
        }
        self.serve(now, now);
    }

    /// Lets everything through that has waited for this connection. The session was granted
    /// `since` when, and nothing counted as a sign of its life from then on.
    pub(super) fn serve(&mut self, now: Instant, since: Instant) {
        // Before any event of this connection; a read that answers to it is behind the watches.
        let missed = self.watches.connected();
        let batches = self.watches.batches(self.last_zxid);
        self.phase = Phase::Serving(Serving {
            last_sent: since,
            last_heard: now,
            to_skip: 0,
            ping_in_flight: None,
            last_proof: since,
            unknown_since: Some(now),
            moving: Moving::No,
            to_set_again: batches.len(),
            early_events: Vec::new(),
            early_bytes: 0,
        });
        self.auth.replay(&mut self.pending);
        self.outputs.tell(missed, News::Gap);
        for batch in batches {
            self.pending.send_own(&batch, Purpose::SetWatches);
        }
        self.send_due(now);
        self.pending.send_waiting();
        self.announce_once_known();
    }

    /// When the handshake was sent that is under way.
    const fn asked_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Handshaking { asked, .. } => Some(asked),
            Phase::Backoff { .. }
            | Phase::Resolving { .. }
            | Phase::Dialling { .. }
            | Phase::Serving(_)
            | Phase::Ended(_) => None,
        }
    }

    /// Tells of the connection when the server has accepted all credentials. Requests do not wait
    /// for that: they stand behind the credentials.
    pub(super) fn announce_once_known(&mut self) {
        let Phase::Serving(serving) = &mut self.phase else {
            return;
        };
        if !self.auth.is_settled() || serving.unknown_since.take().is_none() {
            return;
        }
        self.hosts.established();
        self.last_trouble = None;
        self.was_connected = true;
        self.hung_up_on = 0;
        if self.is_throw_away() {
            let (session_id, timeout) = (self.id, self.timeout);
            self.outputs.state(SessionState::ConnectedReadOnly { session_id, timeout });
            return;
        }
        let session = std::mem::replace(&mut self.continuity, SessionContinuity::Same);
        let (session_id, timeout, generation) = (self.id, self.timeout, self.generation);
        self.outputs.state(SessionState::Connected { session_id, timeout, generation, session });
    }
}

/// A copy that does not keep the buffer it arrived in.
fn own(password: &Password) -> Password {
    password.as_bytes().try_into().map_or_else(|_| password.clone(), Password::new)
}

fn granted(response: &ConnectResponse) -> Option<Duration> {
    let milliseconds = u64::try_from(response.timeout).ok().filter(|timeout| *timeout > 0)?;
    (response.session_id != SessionId::NONE).then(|| Duration::from_millis(milliseconds))
}

//! The connection to a server, and what is seen of the session there.

use std::time::Duration;

use bytes::BytesMut;
use zk_proto::frame::take_frame;
use zk_proto::jute::Reader;
use zk_proto::message::{ConnectRequest, ReplyHeader};
use zk_proto::op::Request;
use zk_proto::{Decode, SessionId, WatchedEvent, Xid};

use super::super::super::fixture::requests;
use super::super::server::{THROW_AWAY, number};
use super::{Link, World};
use crate::session::Trouble;

impl World {
    pub(super) fn lose(&mut self) {
        if self.link != Link::Down {
            self.hang_up();
            self.session.handle_disconnected(self.now, Trouble::HungUp);
        }
    }

    pub(super) fn probed(&mut self, is_writable: bool) {
        if std::mem::take(&mut self.is_probing) {
            self.session.handle_probed(self.now, is_writable);
            self.seen.moved += usize::from(is_writable);
        }
    }

    pub(super) fn connect(&mut self) {
        if self.link == Link::Dialling {
            self.link = Link::Up;
            self.session.handle_connected(self.now);
        }
    }

    pub(super) fn reconnect(&mut self, session_id: SessionId) {
        if self.link == Link::Down {
            self.now += Duration::from_millis(100);
            self.ensemble.pass(self.now);
            self.settle();
        }
        self.resolve_all();
        self.connect();
        self.take();
        // One that has lost its ensemble hangs up on whom it cannot serve.
        if session_id == THROW_AWAY && self.link == Link::Asked && !self.puts_up_with_it {
            self.lose();
            return;
        }
        if session_id == THROW_AWAY {
            self.answer_handshake(THROW_AWAY, 30_000);
        } else {
            self.grant();
        }
        self.deliver(usize::MAX);
        self.take();
        while self.server.is_asked_for_sasl() {
            self.server.answer();
            self.deliver(usize::MAX);
            self.take();
        }
    }

    pub(super) fn answer_handshake(&mut self, session_id: SessionId, timeout: i32) {
        if !self.may_answer() {
            return;
        }
        self.sessions.answered(session_id);
        if session_id != THROW_AWAY && session_id != SessionId::NONE {
            self.ensemble.granted(self.now);
        }
        self.server.answer_handshake(session_id, timeout);
        self.link = Link::Answered;
    }

    /// Whether the server may answer the handshake: whom a deposed leader does not know it cannot
    /// let in.
    pub(super) const fn may_answer(&self) -> bool {
        matches!(self.link, Link::Asked) && !(self.asks_for_new && self.ensemble.is_cut_off())
    }

    /// The shell writes all it can, and the server reads it.
    pub(super) fn take(&mut self) {
        let mut wire = BytesMut::from(self.session.take_outgoing());
        if wire.is_empty() {
            return;
        }
        assert!(self.link >= Link::Up, "nothing is written without a connection");
        if self.link == Link::Up {
            let frame = take_frame(&mut wire, usize::MAX).unwrap().unwrap();
            let asked = ConnectRequest::decode(&mut Reader::new(frame)).unwrap();
            assert!(asked.last_zxid_seen <= self.server.zxid() || self.mad);
            self.sessions.asked(&asked, self.mad);
            self.link = Link::Asked;
            self.puts_up_with_it = asked.read_only == Some(true);
            self.asks_for_new = asked.session_id == SessionId::NONE;
            assert!(asked.session_id != THROW_AWAY, "it is not to be taken up again");
        }
        for (xid, request) in requests(wire) {
            if let Some(number) = number(&request) {
                assert!(!self.not_sent.contains(&number), "{number} is sent after all");
                self.sessions.check_sent(number);
                self.check_bound(number);
                let first = self.taken.insert(number);
                assert!(first || !matches!(request, Request::Create2(_)), "written twice");
            }
            if !matches!(request, Request::Auth(_) | Request::Sasl(_)) {
                self.ensemble.noted(self.now);
            }
            self.server.read(xid, request);
        }
    }

    pub(super) fn deliver(&mut self, length: usize) {
        if self.link >= Link::Up {
            let mut arrived = self.server.arrive(length);
            while !arrived.is_empty() && self.link >= Link::Up {
                self.deliver_frame(&mut arrived);
            }
        }
    }

    /// Frame by frame, to look at what each of them does.
    pub(super) fn deliver_frame(&mut self, arrived: &mut BytesMut) {
        let mut whole = self.incoming.clone();
        whole.extend_from_slice(arrived);
        let length = whole.len();
        let frame = take_frame(&mut whole, usize::MAX).ok().flatten();
        let left = if frame.is_some() { whole.len() } else { 0 };
        let present = arrived.split_to(arrived.len() - left.min(arrived.len()));
        assert!(length >= present.len());
        self.incoming.extend_from_slice(&present);
        self.session.handle_bytes(self.now, &mut self.incoming);
        self.settle();
        if let Some(frame) = frame
            && !self.mad
        {
            let mut reader = Reader::new(frame);
            let header = ReplyHeader::decode(&mut reader).unwrap();
            // What answers a handshake does not begin like that.
            if header.xid == Xid::NOTIFICATION {
                self.listeners.check_told(&WatchedEvent::decode(&mut reader).unwrap());
            }
        }
    }

    pub(super) fn hang_up(&mut self) {
        self.link = Link::Down;
        self.listeners.disconnected();
        self.is_probing = false;
        self.puts_up_with_it = false;
        self.ensemble.left();
        self.server.hang_up();
        self.incoming.clear();
        self.last_answered = 0;
    }

    /// Without a leader a follower answers no write, nor anything behind one; a leader does not
    /// carry out what is asked in a session that is over.
    pub(super) fn is_stuck(&self) -> bool {
        let is_alone = self.ensemble.is_cut_off() || !self.sessions.is_alive();
        is_alone && !self.server.is_read_only() && self.server.needs_leader()
    }

    /// The session is never taken to live on a sign of life that its leader has not got.
    pub(super) fn check_lease(&mut self) {
        if self.mad {
            return;
        }
        let proven = self.session.proven_life().map(|life| life.proven_at);
        assert!(proven <= self.ensemble.heard(), "{proven:?} of {:?}", self.ensemble);
        let is_throw_away = self.link == Link::Answered && self.server.is_read_only();
        assert!(proven.is_none() || !is_throw_away, "nobody keeps a throw-away session");
        self.seen.proven += usize::from(proven > self.proven);
        self.proven = proven;
    }
}

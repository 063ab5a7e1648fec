//! Bytes from the server: frames, replies, events.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use zk_proto::frame::{FrameError, take_frame};
use zk_proto::jute::Reader;
use zk_proto::message::ReplyHeader;
use zk_proto::{Decode, ErrorCode, WatchedEvent, Xid, Zxid};

use super::lease::is_committed;
use super::output::{Failure, News, Ticket};
use super::pending::Completed;
use super::{End, Phase, Serving, Session, Trouble};
use crate::auth_failure::AuthFailure;
use crate::error::Violation;

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// Takes every whole frame from the front of `buffer`, and what is there of an over-long one.
    pub(crate) fn handle_bytes(&mut self, now: Instant, buffer: &mut BytesMut) {
        while matches!(self.phase, Phase::Handshaking { .. } | Phase::Serving(_)) {
            if self.skip(now, buffer) {
                break;
            }
            match take_frame(buffer, self.options.max_reply) {
                Ok(Some(frame)) => self.handle_frame(now, frame),
                Ok(None) => break,
                Err(FrameError::TooLong { length, .. }) => {
                    if !self.handle_long_frame(now, length, buffer) {
                        break;
                    }
                }
                Err(_) => {
                    self.hang_up(now, Trouble::Violation(Violation::NegativeFrame));
                }
            }
        }
        self.send_due(now);
        self.detach_when_answered(now);
        self.move_if_quiet(now);
    }

    fn handle_frame(&mut self, now: Instant, frame: Bytes) {
        let Phase::Serving(serving) = &mut self.phase else {
            #[cfg(feature = "sasl")]
            if self.handle_sasl_frame(now, &frame) {
                return;
            }
            self.handle_connect_response(now, frame);
            return;
        };
        serving.last_heard = now;
        if let Err(trouble) = self.handle_reply(now, frame) {
            self.hang_up(now, trouble);
        }
    }

    fn handle_reply(&mut self, now: Instant, frame: Bytes) -> Result<(), Trouble> {
        let mut reader = Reader::new(frame);
        let header = ReplyHeader::decode(&mut reader).map_err(Violation::Undecodable)?;
        // It comes for whatever is asked first, a ping too, and the server hangs up behind it
        // (AuthenticationHelper). Every other connection would end like that.
        if header.err == ErrorCode::SessionClosedRequireSaslAuth {
            self.end(End::AuthFailed(AuthFailure::Required));
            return Ok(());
        }
        match header.xid {
            Xid::NOTIFICATION => self.handle_event(header, &mut reader),
            Xid::PING => self.handle_pong(now),
            Xid::AUTH => self.handle_auth_reply(header),
            _ => self.complete(now, header, Ok(reader.into_rest())),
        }
    }

    fn handle_event(&mut self, header: ReplyHeader, reader: &mut Reader) -> Result<(), Trouble> {
        let event = WatchedEvent::decode(reader).map_err(Violation::Undecodable)?;
        // What was missed is told without a zxid, right before the watches are said to be set. Told
        // of it before that says how far the server is, one could ask the next server, which may be
        // behind, and be shown less. If the answer does not come they are set once more.
        if header.zxid.0 <= 0
            && let Phase::Serving(serving) = &mut self.phase
            && serving.to_set_again > 0
        {
            serving.early_bytes += event.path.len() + EVENT;
            serving.early_events.push(event);
            if serving.early_bytes > MOST_EARLY {
                self.tell_early_events();
            }
        } else {
            self.tell_event(header.zxid, event);
        }
        Ok(())
    }

    /// One of the requests to set watches again was answered.
    fn watches_set_again(&mut self) {
        let Phase::Serving(serving) = &mut self.phase else {
            return;
        };
        serving.to_set_again = serving.to_set_again.saturating_sub(1);
        self.tell_early_events();
    }

    fn tell_early_events(&mut self) {
        let Phase::Serving(serving) = &mut self.phase else {
            return;
        };
        serving.early_bytes = 0;
        for event in std::mem::take(&mut serving.early_events) {
            self.tell_event(Zxid(-1), event);
        }
    }

    fn tell_event(&mut self, zxid: Zxid, event: WatchedEvent) {
        for watcher in self.watches.fire(&event) {
            self.outputs.notify(watcher, event.clone());
        }
        // Servers before 3.9 do not tell, nor any for what happened before the watch was set.
        let zxid = Some(zxid).filter(|zxid| zxid.0 > 0);
        self.last_event_zxid = zxid.map_or(self.last_event_zxid, |it| it.max(self.last_event_zxid));
        let hearers = self.watches.hearers(&event);
        self.outputs.tell(hearers, News::Event { event, zxid });
    }

    fn handle_pong(&mut self, now: Instant) -> Result<(), Trouble> {
        let sent = match &mut self.phase {
            Phase::Serving(serving) => serving.ping_in_flight.take(),
            Phase::Backoff { .. }
            | Phase::Resolving { .. }
            | Phase::Dialling { .. }
            | Phase::Handshaking { .. }
            | Phase::Ended(_) => None,
        };
        let Some(sent) = sent else {
            return Err(Violation::UnexpectedXid { got: Xid::PING, expected: None }.into());
        };
        self.lease.answered(sent, now);
        Ok(())
    }

    /// Replies come in the order of the requests: the oldest one is answered, or none.
    pub(super) fn complete(
        &mut self,
        now: Instant,
        header: ReplyHeader,
        body: Result<Bytes, Failure>,
    ) -> Result<(), Trouble> {
        let zxid = header.zxid;
        // Nobody but its server knows a throw-away session, whatever that server says.
        let asked = self.pending.oldest_asked().filter(|_| !self.is_throw_away());
        let proof = asked.filter(|(op, _)| is_committed(*op, &header, body.as_ref().ok()));
        let completed =
            self.pending.complete(header, body, &mut self.watches, &mut self.outputs)?;
        if let Some((_, sent)) = asked {
            self.lease.answered(sent, now);
        }
        if let Some((_, sent)) = proof {
            self.lease.committed(sent);
            self.put_off_proof(sent);
        }
        match completed {
            Completed::Request => {}
            Completed::SetWatches => self.watches_set_again(),
            Completed::Close(outcome) => self.close_answered(&outcome),
        }
        // Events of one transaction share a zxid and may be cut in two by a lost connection, so
        // only replies move what watches are set again relative to (ClientCnxn.readResponse). And
        // as long as some watches are not set again, theirs is still what was seen before: should
        // the connection break now, the server would not tell what they have missed.
        if zxid.0 > 0 && self.has_all_watches() {
            self.last_zxid = zxid;
        }
        Ok(())
    }

    const fn has_all_watches(&self) -> bool {
        !matches!(&self.phase, Phase::Serving(Serving { to_set_again: 1.., .. }))
    }
}

/// What an event takes beside its path, roughly.
const EVENT: usize = 64;
/// More than a request to set watches again can lead to: it has 128 KiB of paths at most, and one
/// event for each. A server that sends more has its events told as they come.
const MOST_EARLY: usize = 4 * 1024 * 1024;

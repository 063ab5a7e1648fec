//! Replies over the limit: their headers are read, and the rest is dropped as it comes.
//!
//! So only the request that asked for too much fails. What is dropped takes its time: as with any
//! frame, nothing counts as heard until it is whole, and a connection that needs longer than the
//! time of silence for it is given up.

use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use zk_proto::jute::Reader;
use zk_proto::message::ReplyHeader;
use zk_proto::{Decode, Xid};

use super::output::{Failure, Ticket};
use super::{Phase, Session, Trouble};
use crate::error::Violation;

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// Drops what has come of an over-long reply; tells whether more of it is to come.
    pub(super) fn skip(&mut self, now: Instant, buffer: &mut BytesMut) -> bool {
        let Phase::Serving(serving) = &mut self.phase else {
            return false;
        };
        if serving.to_skip == 0 {
            return false;
        }
        let here = serving.to_skip.min(buffer.len());
        buffer.advance(here);
        serving.to_skip -= here;
        if serving.to_skip == 0 {
            serving.last_heard = now;
        }
        serving.to_skip > 0
    }

    /// Ends the request that an over-long reply is the answer to; tells whether there was enough of
    /// the reply to do so.
    pub(super) fn handle_long_frame(
        &mut self,
        now: Instant,
        length: usize,
        buffer: &mut BytesMut,
    ) -> bool {
        let too_large = Failure::ReplyTooLarge { length, limit: self.options.max_reply };
        let Phase::Serving(serving) = &mut self.phase else {
            self.give_up_on_frame(now, length);
            return true;
        };
        if !(HEADER..=LONGEST_SKIPPED).contains(&length) {
            // To repeat what may be the reason would end here again.
            self.pending.fail_oldest(too_large, &mut self.outputs);
            self.give_up_on_frame(now, length);
            return true;
        }
        let Some(header) = buffer.get(PREFIX..PREFIX + HEADER) else {
            return false;
        };
        let header = ReplyHeader::decode(&mut Reader::new(Bytes::copy_from_slice(header)));
        serving.last_heard = now;
        serving.to_skip = PREFIX + length;
        let answered = match header {
            Ok(ReplyHeader { xid: Xid::NOTIFICATION | Xid::PING | Xid::AUTH, .. }) => {
                self.give_up_on_frame(now, length);
                return true;
            }
            Ok(header) => self.complete(now, header, Err(too_large)),
            Err(error) => Err(Violation::Undecodable(error).into()),
        };
        if let Err(trouble) = answered {
            self.hang_up(now, trouble);
        }
        true
    }

    fn give_up_on_frame(&mut self, now: Instant, length: usize) {
        if matches!(self.phase, Phase::Handshaking { .. }) && length >> 16 == TLS_ALERT {
            self.hang_up(now, Trouble::SpeaksTls);
            return;
        }
        let limit = self.options.max_reply;
        self.hang_up(now, Trouble::Violation(Violation::FrameTooLong { length, limit }));
    }
}

/// Longer than any list of children that a server can hold in practice, and shorter than what the
/// first bytes of other protocols come to: `HTTP` would be 1.2 GB, an alert of TLS 350 MB.
const LONGEST_SKIPPED: usize = 256 * 1024 * 1024;
/// Bytes of a length.
const PREFIX: usize = 4;
/// Bytes of a reply header.
const HEADER: usize = 16;
/// What a record of TLS begins with that tells what is wrong: its kind, and the version's first
/// number. As the length of a frame it is more than 350 MB.
const TLS_ALERT: usize = 0x1503;

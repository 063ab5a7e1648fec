//! The bytes of requests, kept until they are answered.
//!
//! A request is encoded once, into what is to be sent. What the shell has taken at one time is kept
//! as one piece while any of it waits for its reply: a read that is to be sent again is copied from
//! there, so that no request is kept besides. Replies come in order, so the pieces go in order.

use std::collections::VecDeque;
use std::iter::{repeat, repeat_n};

use bytes::{Bytes, BytesMut};
use zk_proto::Encode;
use zk_proto::frame::put_frame;

/// `Debug` would show passwords.
#[derive(Default)]
pub(super) struct Frames {
    outgoing: BytesMut,
    taken: VecDeque<Taken>,
    /// The most that was taken at one time, since the session was last at rest.
    largest: usize,
}

struct Taken {
    bytes: Bytes,
    /// How many requests in it are still in flight; never 0.
    in_flight: usize,
}

impl Frames {
    /// How many bytes the shell has not taken.
    pub(super) fn untaken_len(&self) -> usize {
        self.outgoing.len()
    }

    /// Appends a frame, and tells where its body begins and how long that is.
    pub(super) fn put(
        &mut self,
        header: &impl Encode,
        body: impl FnOnce(&mut BytesMut),
    ) -> (usize, usize) {
        let mut start = 0;
        if self.outgoing.is_empty() {
            self.outgoing.reserve(ROOM);
        }
        put_frame(&mut self.outgoing, |out| {
            header.encode(out);
            start = out.len();
            body(out);
        });
        (start, self.outgoing.len() - start)
    }

    /// Takes back the last request, whose body begins there.
    pub(super) fn take_back(&mut self, start: usize) {
        let start = start.saturating_sub(PREFIX + HEADER);
        self.outgoing.truncate(start);
        if start == 0 {
            // It has grown to the size of what was refused.
            self.outgoing = BytesMut::new();
        }
    }

    /// All that is to be sent, with so many requests in it.
    pub(super) fn take(&mut self, requests: usize) -> Bytes {
        let bytes = self.outgoing.split().freeze();
        self.largest = self.largest.max(bytes.len());
        if bytes.len() > LARGEST_KEPT {
            self.outgoing = BytesMut::new();
        }
        if requests > 0 {
            self.taken.push_back(Taken { bytes: bytes.clone(), in_flight: requests });
        }
        bytes
    }

    /// Gives memory back that only a burst needs.
    pub(super) fn rest(&mut self) {
        if self.outgoing.is_empty() && std::mem::take(&mut self.largest) > ROOM {
            self.outgoing = BytesMut::new();
        }
        if self.taken.is_empty() && self.taken.capacity() > MOST_KEPT {
            self.taken = VecDeque::new();
        }
    }

    /// The oldest request that was taken is over.
    pub(super) fn answered(&mut self) {
        if let Some(oldest) = self.taken.front_mut() {
            oldest.in_flight -= 1;
            if oldest.in_flight == 0 {
                self.taken.pop_front();
            }
        }
    }

    /// For each request in flight the bytes that hold it.
    pub(super) fn of_each(&self) -> impl Iterator<Item = &[u8]> {
        let taken = self.taken.iter();
        let taken = taken.flat_map(|taken| repeat_n(&taken.bytes[..], taken.in_flight));
        taken.chain(repeat(&self.outgoing[..]))
    }

    /// Gives up all bytes: for each request in flight those that hold it.
    pub(super) fn give_up(&mut self) -> impl Iterator<Item = Bytes> + use<> {
        let Self { outgoing, taken, .. } = std::mem::take(self);
        let taken = taken.into_iter().flat_map(|taken| repeat_n(taken.bytes, taken.in_flight));
        taken.chain(repeat(outgoing.freeze()))
    }
}

/// Bytes of a length.
const PREFIX: usize = 4;
/// Bytes of a request header.
pub(super) const HEADER: usize = 8;
/// Of new bytes, at least; a dozen small requests.
const ROOM: usize = 512;
/// Memory that held more at one time is not used again.
const LARGEST_KEPT: usize = 64 * 1024;
/// Pieces that a session at rest has room for.
const MOST_KEPT: usize = 8;

#[cfg(test)]
mod tests {
    use zk_proto::message::RequestHeader;

    use super::*;

    fn put(frames: &mut Frames, body: &'static [u8]) -> (usize, usize) {
        frames.put(&RequestHeader::default(), |out| out.extend_from_slice(body))
    }

    #[test]
    fn a_request_is_found_in_its_bytes_until_it_is_answered() {
        let mut frames = Frames::default();
        let places = [put(&mut frames, b"one"), put(&mut frames, b"three")];
        frames.take(2);
        let last = put(&mut frames, b"four");
        let bodies = |frames: &Frames, places: &[(usize, usize)]| -> Vec<Vec<u8>> {
            let each = places.iter().zip(frames.of_each());
            each.map(|((start, length), bytes)| bytes[*start..start + length].to_vec()).collect()
        };
        let all = [places[0], places[1], last];
        assert_eq!(bodies(&frames, &all), [&b"one"[..], b"three", b"four"]);
        frames.answered();
        assert_eq!(bodies(&frames, &all[1..]), [&b"three"[..], b"four"]);
        let given_up: Vec<_> = frames.give_up().take(2).collect();
        assert_eq!(&given_up[0][places[1].0..][..5], b"three");
        assert_eq!(&given_up[1][last.0..][..4], b"four");
        assert_eq!(frames.untaken_len(), 0);
    }

    #[test]
    fn what_is_taken_back_leaves_nothing() {
        let mut frames = Frames::default();
        put(&mut frames, b"kept");
        let length = frames.untaken_len();
        let (start, _) = put(&mut frames, b"refused");
        frames.take_back(start);
        assert_eq!(frames.untaken_len(), length);
    }

    #[test]
    fn memory_of_a_burst_is_given_back_at_rest() {
        let mut frames = Frames::default();
        for _ in 0..100 {
            put(&mut frames, &[0; 100]);
            frames.take(1);
        }
        for _ in 0..1000 {
            put(&mut frames, &[0; 100]);
        }
        frames.take(1000);
        for _ in 0..1100 {
            frames.answered();
        }
        frames.rest();
        assert_eq!((frames.outgoing.capacity(), frames.taken.capacity()), (0, 0));
    }
}

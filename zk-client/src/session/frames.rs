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
        if bytes.len() > LARGEST_KEPT {
            self.outgoing = BytesMut::new();
        }
        if requests > 0 {
            self.taken.push_back(Taken { bytes: bytes.clone(), in_flight: requests });
        }
        bytes
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
        let Self { outgoing, taken } = std::mem::take(self);
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

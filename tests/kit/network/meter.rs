//! Finds frames in bytes that come in any pieces.

use zk_proto::Xid;

/// Finds the beginning of the handshake, and the xid and length of each frame behind it.
#[derive(Clone, Default)]
pub(super) struct Meter {
    /// Bytes of the present frame's length and of what comes behind it.
    head: Vec<u8>,
    /// Bytes of the present frame that are left, once its length is known.
    left: usize,
    handshake_done: bool,
}

/// What bytes were found to hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// The first bytes of the first frame, without its length.
    Handshake(&'a [u8]),
    /// The head of another frame.
    Frame {
        /// Where in the present piece it begins; 0 if it began before.
        start: usize,
        xid: Xid,
        /// Without the length itself.
        length: usize,
    },
}

impl Meter {
    pub(super) fn feed(&mut self, bytes: &[u8], mut found: impl FnMut(Found<'_>)) {
        for (index, byte) in bytes.iter().enumerate() {
            self.left = self.left.saturating_sub(1);
            if self.head.len() < self.head_length() {
                self.head.push(*byte);
                self.read_head(index, &mut found);
            }
            if self.head.len() >= LENGTH && self.left == 0 {
                self.head.clear();
                self.handshake_done = true;
            }
        }
    }

    const fn head_length(&self) -> usize {
        if self.handshake_done { HEAD } else { HANDSHAKE_HEAD }
    }

    fn read_head(&mut self, index: usize, found: &mut impl FnMut(Found<'_>)) {
        match self.head.as_slice() {
            [a, b, c, d] => {
                let length = u32::from_be_bytes([*a, *b, *c, *d]);
                self.left = usize::try_from(length).unwrap();
            }
            [_, _, _, _, a, b, c, d] if self.handshake_done => {
                let start = (index + 1).saturating_sub(HEAD);
                let xid = Xid(i32::from_be_bytes([*a, *b, *c, *d]));
                // The xid is the first part of the frame that is not left any more.
                found(Found::Frame { start, xid, length: self.left + HEAD - LENGTH });
            }
            [_, _, _, _, handshake @ ..] if handshake.len() == HANDSHAKE_HEAD - LENGTH => {
                found(Found::Handshake(handshake));
            }
            _ => {}
        }
    }
}

const LENGTH: usize = 4;
const HEAD: usize = 8;
const HANDSHAKE_HEAD: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_found_however_the_bytes_are_cut() {
        let mut wire = vec![0, 0, 0, 20];
        wire.extend(1..=20);
        for (xid, length) in [(1, 8), (-1, 30), (2, 4), (-2, 8)] {
            wire.extend_from_slice(&u32::to_be_bytes(length));
            wire.extend_from_slice(&i32::to_be_bytes(xid));
            wire.extend(std::iter::repeat_n(7, usize::try_from(length).unwrap() - 4));
        }
        for piece in 1..=wire.len() {
            let mut meter = Meter::default();
            let (mut frames, mut handshakes) = (Vec::new(), 0);
            for (number, bytes) in wire.chunks(piece).enumerate() {
                meter.feed(bytes, |found| match found {
                    Found::Handshake(head) => {
                        assert_eq!(head, (1..=16).collect::<Vec<u8>>());
                        handshakes += 1;
                    }
                    Found::Frame { start, xid, length } => {
                        frames.push((number * piece + start, xid.0, length));
                    }
                });
            }
            assert_eq!(handshakes, 1, "in pieces of {piece}");
            let found: Vec<_> = frames.iter().map(|(_, xid, length)| (*xid, *length)).collect();
            assert_eq!(found, [(1, 8), (-1, 30), (2, 4), (-2, 8)], "in pieces of {piece}");
            if piece == wire.len() {
                assert_eq!(
                    frames.iter().map(|frame| frame.0).collect::<Vec<_>>(),
                    [24, 36, 70, 78]
                );
            }
        }
    }
}

//! Frames: every message is preceded by its length in four bytes.
//!
//! Both ends refuse a frame that is too long before they read it. The limit of a server is
//! `jute.maxbuffer`; a reply may be longer than any request, because servers do not limit what
//! they send, so clients do well to accept more.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;
use tokio_util::codec::{Decoder, Encoder};

/// The longest frame a server accepts by default: one byte less than a mebibyte.
pub const DEFAULT_MAX_FRAME: usize = 0xf_ffff;

/// A frame that cannot be taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The length is negative.
    #[error("negative frame length {0}")]
    Negative(i32),
    /// The length is above the limit.
    #[error("frame of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// Bytes announced.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The connection failed, or ended inside a frame.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Takes the next whole frame out of `buffer`, without its length; `None` when it has not fully
/// arrived. The frame is a slice of the buffer's memory.
///
/// # Errors
/// When the announced length is negative or above `limit`; nothing is taken then.
pub fn take_frame(buffer: &mut BytesMut, limit: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(head) = buffer.first_chunk::<PREFIX>() else {
        return Ok(None);
    };
    let length = i32::from_be_bytes(*head);
    let Ok(wanted) = usize::try_from(length) else {
        return Err(FrameError::Negative(length));
    };
    if wanted > limit {
        return Err(FrameError::TooLong { length: wanted, limit });
    }
    if buffer.len().saturating_sub(PREFIX) < wanted {
        return Ok(None);
    }
    buffer.advance(PREFIX);
    Ok(Some(buffer.split_to(wanted).freeze()))
}

/// Appends a frame to `out`: the length, then what `body` writes.
pub fn put_frame(out: &mut BytesMut, body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_bytes(0, PREFIX);
    let content = out.len();
    body(out);
    let length = i32::try_from(out.len().saturating_sub(content)).unwrap_or(i32::MAX);
    if let Some(prefix) = out.get_mut(start..content) {
        prefix.copy_from_slice(&length.to_be_bytes());
    }
}

/// Frames over a byte stream, for use with tokio-util's `Framed`.
#[derive(Clone, Copy, Debug)]
pub struct FrameCodec {
    /// The longest frame to accept, in bytes without the length.
    pub max_incoming: usize,
    /// The longest frame to send, in bytes without the length.
    pub max_outgoing: usize,
}

impl Default for FrameCodec {
    fn default() -> Self {
        Self { max_incoming: DEFAULT_MAX_FRAME, max_outgoing: DEFAULT_MAX_FRAME }
    }
}

impl Decoder for FrameCodec {
    type Item = Bytes;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        take_frame(buffer, self.max_incoming)
    }
}

impl Encoder<Bytes> for FrameCodec {
    type Error = FrameError;

    fn encode(&mut self, frame: Bytes, out: &mut BytesMut) -> Result<(), FrameError> {
        if frame.len() > self.max_outgoing {
            return Err(FrameError::TooLong { length: frame.len(), limit: self.max_outgoing });
        }
        put_frame(out, |out| out.put_slice(&frame));
        Ok(())
    }
}

const PREFIX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_out_once_it_is_whole() {
        let mut wire = BytesMut::new();
        put_frame(&mut wire, |out| out.put_slice(b"hello"));
        let whole = wire.clone();
        for cut in 0..whole.len() {
            let mut part = BytesMut::from(&whole[..cut]);
            assert!(take_frame(&mut part, 10).unwrap().is_none());
            assert_eq!(part.len(), cut);
        }
        assert_eq!(take_frame(&mut wire, 5).unwrap().unwrap(), "hello");
        assert!(wire.is_empty());
    }

    #[test]
    fn a_length_is_refused_before_its_bytes_arrive() {
        let mut long = BytesMut::from(&[0, 0, 0, 6][..]);
        assert!(matches!(
            take_frame(&mut long, 5),
            Err(FrameError::TooLong { length: 6, limit: 5 })
        ));
        let mut negative = BytesMut::from(&[0xff; 4][..]);
        assert!(matches!(take_frame(&mut negative, 5), Err(FrameError::Negative(-1))));
    }

    #[test]
    fn the_codec_refuses_to_send_what_is_too_long() {
        let mut codec = FrameCodec { max_outgoing: 3, ..FrameCodec::default() };
        let mut out = BytesMut::new();
        assert!(codec.encode(Bytes::from_static(b"four"), &mut out).is_err());
        assert!(out.is_empty());
        codec.encode(Bytes::from_static(b"two"), &mut out).unwrap();
        assert_eq!(codec.decode(&mut out).unwrap().unwrap(), "two");
    }
}

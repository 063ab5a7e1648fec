use std::fmt;

use bytes::{Buf, Bytes};
use bytestring::ByteString;

use super::error::{DecodeError, DecodeProblem};
use super::fixed::Fixed;
use super::text;

/// Reads jute values from the front of one message.
///
/// Buffers and strings that come out of it are slices of the message: no copy is made, and the
/// message stays in memory as long as one of them does.
#[derive(Clone)]
pub struct Reader {
    message: Bytes,
    /// How many bytes have been read; never more than there are.
    position: usize,
}

/// Shows the position only: the bytes may hold passwords.
impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({} of {} bytes)", self.offset(), self.message.len())
    }
}

impl Reader {
    /// Starts at the first byte of `message`.
    #[must_use]
    pub const fn new(message: Bytes) -> Self {
        Self { message, position: 0 }
    }

    /// The bytes that have not been read yet.
    #[must_use]
    pub fn into_rest(mut self) -> Bytes {
        self.message.advance(self.position);
        self.message
    }

    /// How many bytes have not been read yet.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.message.len().saturating_sub(self.position)
    }

    /// An error about the value at the present position.
    #[must_use]
    pub fn error(&self, problem: DecodeProblem) -> DecodeError {
        Self::error_at(self.offset(), problem)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    #[inline]
    pub(super) fn int(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_be_bytes)
    }

    #[inline]
    pub(super) fn long(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_be_bytes)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let rest = self.message.get(self.position..).unwrap_or_default();
        let Some(array) = rest.first_chunk() else {
            return Err(self.truncated(self.position, N));
        };
        // There are as many bytes, so that it cannot wrap.
        self.position = self.position.wrapping_add(N);
        Ok(*array)
    }

    /// A value of a fixed length; `None`, and nothing is read, when there are too few bytes.
    #[inline]
    pub(crate) fn fixed<T: Fixed>(&mut self) -> Option<T> {
        let rest = self.message.get(self.position..)?;
        let value = T::take(&mut rest.get(..T::LENGTH)?)?;
        // There are as many bytes, so that it cannot wrap.
        self.position = self.position.wrapping_add(T::LENGTH);
        Some(value)
    }

    /// A length-prefixed run of bytes; −1 is null.
    pub(super) fn buffer(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let start = self.offset();
        let length = self.int()?;
        if length == -1 {
            return Ok(None);
        }
        let Ok(wanted) = usize::try_from(length) else {
            return Err(Self::error_at(start, DecodeProblem::NegativeLength(length)));
        };
        if wanted > self.remaining() {
            return Err(self.truncated(start, wanted));
        }
        let begin = self.position;
        self.position = begin.saturating_add(wanted);
        Ok(Some(self.message.slice(begin..self.position)))
    }

    pub(super) fn string(&mut self) -> Result<Option<ByteString>, DecodeError> {
        Ok(self.buffer()?.map(text::from_wire))
    }

    /// The count of a vector; null is `None`, and any other negative count is an empty vector, as
    /// `BinaryInputArchive` has it.
    pub(super) fn count(&mut self) -> Result<Option<usize>, DecodeError> {
        let start = self.offset();
        let count = self.int()?;
        if count == -1 {
            return Ok(None);
        }
        let count = usize::try_from(count).unwrap_or(0);
        let least = count.saturating_mul(SMALLEST_ITEM);
        if least > self.remaining() {
            return Err(self.truncated(start, least));
        }
        Ok(Some(count))
    }

    /// The value that begins at `start` needs `wanted` bytes from here on.
    #[cold]
    fn truncated(&self, start: usize, wanted: usize) -> DecodeError {
        let missing = wanted.saturating_sub(self.remaining());
        Self::error_at(start, DecodeProblem::Truncated { missing })
    }

    /// How many bytes have been read.
    pub(crate) const fn offset(&self) -> usize {
        self.position
    }

    /// An error about the value that begins at `offset`.
    pub(crate) const fn error_at(offset: usize, problem: DecodeProblem) -> DecodeError {
        DecodeError { record: "", field: "", offset, problem }
    }
}

/// No item of any vector in the protocol takes fewer bytes: all begin with an int or a length.
const SMALLEST_ITEM: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_shows_where_it_is_and_not_what_it_reads() {
        let mut reader = Reader::new(Bytes::from_static(b"\0\0\0\x06secret"));
        reader.int().unwrap();
        assert_eq!(format!("{reader:?}"), "Reader(4 of 10 bytes)");
    }
}

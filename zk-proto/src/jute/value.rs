//! Jute's primitive types, and what Rust type each one is.

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use super::{Decode, DecodeError, DecodeProblem, Encode, Reader};

impl Encode for bool {
    fn encode(&self, out: &mut BytesMut) {
        out.put_u8(u8::from(*self));
    }
}

/// Any byte but 0 is true.
impl Decode for bool {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(reader.byte()? != 0)
    }
}

/// A trailing boolean that older peers leave out: written only when there is one.
impl Encode for Option<bool> {
    fn encode(&self, out: &mut BytesMut) {
        if let Some(value) = self {
            value.encode(out);
        }
    }
}

impl Decode for Option<bool> {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        if reader.remaining() == 0 { Ok(None) } else { bool::decode(reader).map(Some) }
    }
}

impl Encode for i32 {
    fn encode(&self, out: &mut BytesMut) {
        out.put_i32(*self);
    }
}

impl Decode for i32 {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        reader.int()
    }
}

impl Encode for i64 {
    fn encode(&self, out: &mut BytesMut) {
        out.put_i64(*self);
    }
}

impl Decode for i64 {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        reader.long()
    }
}

impl Encode for ByteString {
    fn encode(&self, out: &mut BytesMut) {
        put_slice(self.as_bytes(), out);
    }
}

impl Decode for ByteString {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        not_null(reader, Reader::string)
    }
}

impl Encode for Option<ByteString> {
    fn encode(&self, out: &mut BytesMut) {
        put_nullable(self.as_ref(), out);
    }
}

impl Decode for Option<ByteString> {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        reader.string()
    }
}

impl Encode for Bytes {
    fn encode(&self, out: &mut BytesMut) {
        put_slice(self, out);
    }
}

impl Encode for Option<Bytes> {
    fn encode(&self, out: &mut BytesMut) {
        put_nullable(self.as_ref(), out);
    }
}

impl Decode for Option<Bytes> {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        reader.buffer()
    }
}

/// A count, then the items, which take four bytes each at least, as all of ZooKeeper's do: a
/// count that cannot be true is refused by that.
impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, out: &mut BytesMut) {
        put_length(self.len(), out);
        for item in self {
            item.encode(out);
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        not_null(reader, <Option<Self>>::decode)
    }
}

impl<T: Encode> Encode for Option<Vec<T>> {
    fn encode(&self, out: &mut BytesMut) {
        put_nullable(self.as_ref(), out);
    }
}

impl<T: Decode> Decode for Option<Vec<T>> {
    fn decode(reader: &mut Reader) -> Result<Self, DecodeError> {
        let Some(count) = reader.count()? else {
            return Ok(None);
        };
        let mut items = Vec::with_capacity(room::<T>(count, reader.remaining()));
        for _ in 0..count {
            items.push(T::decode(reader)?);
        }
        Ok(Some(items))
    }
}

/// How many items to make room for when `count` are announced and `remaining` bytes are left.
///
/// What is really there never needs more than [`ROOM_PER_BYTE`], so the limit costs true vectors
/// nothing, and false ones stay in proportion to what was sent.
fn room<T>(count: usize, remaining: usize) -> usize {
    let most = remaining.saturating_mul(ROOM_PER_BYTE);
    let most = most.checked_div(size_of::<T>()).unwrap_or(count);
    count.min(most)
}

fn put_slice(bytes: &[u8], out: &mut BytesMut) {
    put_length(bytes.len(), out);
    out.put_slice(bytes);
}

/// Lengths are 32-bit on the wire. What does not fit is sent as `i32::MAX`, which every peer
/// refuses; a frame of that size is refused long before.
fn put_length(length: usize, out: &mut BytesMut) {
    out.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
}

fn put_nullable<T: Encode>(value: Option<&T>, out: &mut BytesMut) {
    match value {
        Some(value) => value.encode(out),
        None => out.put_i32(-1),
    }
}

fn not_null<T>(
    reader: &mut Reader,
    read: impl FnOnce(&mut Reader) -> Result<Option<T>, DecodeError>,
) -> Result<T, DecodeError> {
    let null_here = reader.error(DecodeProblem::Null);
    read(reader)?.ok_or(null_here)
}

/// Bytes of memory that one byte on the wire is good for: an empty string takes four bytes there
/// and 32 here, an identity 8 and 64, an ACL entry 12 and 72.
const ROOM_PER_BYTE: usize = 8;

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::data::{Acl, ClientInfo};

    /// As many items as fit into `frame` bytes, and as many as can be claimed there.
    fn check<T: Default + Encode>(frame: usize) {
        let mut smallest = BytesMut::new();
        T::default().encode(&mut smallest);
        let real = frame / smallest.len();
        assert_eq!(room::<T>(real, frame), real, "room for all of a true vector");
        let claimed = room::<T>(frame / 4, frame) * size_of::<T>();
        assert!(claimed <= 8 * frame, "{claimed} bytes for a frame of {frame}");
    }

    #[test]
    fn room_is_made_for_true_vectors_and_in_proportion_for_false_ones() {
        for frame in [0, 4, 100, 0xf_ffff] {
            check::<ByteString>(frame);
            check::<Acl>(frame);
            check::<ClientInfo>(frame);
        }
        assert_eq!(room::<()>(7, 0), 7);
    }
}

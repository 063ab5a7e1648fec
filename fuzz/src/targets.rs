//! What must hold for any input. A target panics when it does not.

use std::fmt::Debug;

use bytes::{BufMut, Bytes, BytesMut};
use zk_proto::frame::{FrameError, put_frame, take_frame};
use zk_proto::jute::Reader;
use zk_proto::message::{ConnectRequest, ConnectResponse, ReplyHeader, RequestHeader};
use zk_proto::op::{Request, Response};
use zk_proto::{ByteString, Decode, DecodeError, Encode, OpCode, WatchedEvent, ZPath, path};

/// Frames come out of a stream the same however it is cut into pieces, none is over the limit,
/// and framed again they are the stream.
///
/// Input: one byte for the length of the pieces, two for the limit, then the stream.
pub fn frame(input: &[u8]) {
    let Some(([piece, high, low], stream)) = input.split_first_chunk() else {
        return;
    };
    let limit = usize::from(u16::from_be_bytes([*high, *low]));
    let whole = frames([stream], limit);
    let pieces = stream.chunks(usize::from(*piece).max(1));
    assert_eq!(frames(pieces, limit), whole, "cut into pieces of {piece}");

    let (frames, error) = whole;
    let mut again = BytesMut::new();
    for frame in frames {
        assert!(frame.len() <= limit, "a frame of {} bytes", frame.len());
        put_frame(&mut again, |out| out.put_slice(&frame));
    }
    let rest = stream.strip_prefix(&again[..]).expect("the frames are the stream");
    let next = take_frame(&mut BytesMut::from(rest), limit);
    assert_eq!(next.err().map(words), error, "behind the last frame");
}

/// Takes all frames out of a stream that arrives in pieces; stops at the first error.
fn frames(
    pieces: impl IntoIterator<Item: AsRef<[u8]>>,
    limit: usize,
) -> (Vec<Bytes>, Option<String>) {
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        buffer.put_slice(piece.as_ref());
        loop {
            match take_frame(&mut buffer, limit) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(words(error))),
            }
        }
    }
    (frames, None)
}

fn words(error: FrameError) -> String {
    error.to_string()
}

/// A request that is understood can be said again and means the same.
///
/// Input: a frame from a client, without its length.
pub fn request(input: &[u8]) {
    let frame = Bytes::copy_from_slice(input);
    understand(&frame, ConnectRequest::decode);
    let mut reader = Reader::new(frame);
    let Ok(header) = RequestHeader::decode(&mut reader) else {
        return;
    };
    let body = reader.into_rest();
    if let Some(op) = OpCode::from_code(header.op) {
        understand_any(&body, |reader| Request::decode(op, reader));
    }
    if let Ok(text) = ByteString::decode(&mut Reader::new(body)) {
        take_apart(text);
    }
}

/// A reply that is understood can be said again and means the same.
///
/// Input: one byte for the opcode of the request, then a frame from a server without its length.
pub fn response(input: &[u8]) {
    let Some((op, frame)) = input.split_first() else {
        return;
    };
    let frame = Bytes::copy_from_slice(frame);
    understand(&frame, ConnectResponse::decode);
    let mut reader = Reader::new(frame);
    if ReplyHeader::decode(&mut reader).is_err() {
        return;
    }
    let body = reader.into_rest();
    understand(&body, WatchedEvent::decode);
    if let Some(op) = OpCode::from_code(i32::from(op.cast_signed())) {
        understand_any(&body, |reader| Response::decode(op, reader));
    }
}

fn understand_any<T: Encode + PartialEq + Debug>(
    bytes: &Bytes,
    decode: impl Fn(&mut Reader) -> Result<Option<T>, DecodeError>,
) {
    if let Ok(None) = decode(&mut Reader::new(bytes.clone())) {
        return;
    }
    understand(bytes, |reader| Ok(decode(reader)?.expect("the opcode alone decides")));
}

/// Decodes; what was understood is encoded, and must decode to the same with nothing left over.
/// The bytes may differ: a server reads more spellings than it writes.
fn understand<T: Encode + PartialEq + Debug>(
    bytes: &Bytes,
    decode: impl Fn(&mut Reader) -> Result<T, DecodeError>,
) {
    let value = match decode(&mut Reader::new(bytes.clone())) {
        Ok(value) => value,
        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error}");
            return;
        }
    };
    let mut again = BytesMut::new();
    value.encode(&mut again);
    let mut reader = Reader::new(again.freeze());
    assert_eq!(decode(&mut reader).as_ref(), Ok(&value));
    assert_eq!(reader.remaining(), 0, "{value:?}");
}

/// A valid path comes apart into names and is put together again.
fn take_apart(text: ByteString) {
    let steps = path::ancestors(&text).count();
    assert!(steps <= text.len().max(1) + 1);
    let Ok(whole) = ZPath::parse(text) else {
        return;
    };
    if let Some(parent) = whole.parent() {
        assert_eq!(parent.child(whole.name()).as_ref(), Ok(&whole));
    } else {
        assert_eq!(whole, ZPath::ROOT);
    }
}

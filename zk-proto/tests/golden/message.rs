//! A frame of the file as typed records.

use bytes::{Bytes, BytesMut};
use zk_proto::jute::Reader;
use zk_proto::message::{ConnectRequest, ConnectResponse, ReplyHeader, RequestHeader};
use zk_proto::op::{Request, Response};
use zk_proto::{Decode, DecodeError, Encode, ErrorCode, OpCode, WatchedEvent, Xid};

use crate::wire_vectors::Block;

/// A frame as its records.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    Connect(ConnectRequest),
    Connected(ConnectResponse),
    /// Without a body when no request has the opcode.
    Request(RequestHeader, Option<Request>),
    /// Without a body when the header holds an error.
    Reply(ReplyHeader, Option<Response>),
    Event(ReplyHeader, WatchedEvent),
}

impl Message {
    fn decode_sent(block: &Block, reader: &mut Reader) -> Result<Self, DecodeError> {
        if block.is_handshake() {
            return ConnectRequest::decode(reader).map(Self::Connect);
        }
        let header = RequestHeader::decode(reader)?;
        let body = match OpCode::from_code(header.op) {
            Some(op) => Request::decode(op, reader)?,
            None => None,
        };
        Ok(Self::Request(header, body))
    }

    fn decode_received(block: &Block, reader: &mut Reader) -> Result<Self, DecodeError> {
        if block.is_handshake() {
            return ConnectResponse::decode(reader).map(Self::Connected);
        }
        let header = ReplyHeader::decode(reader)?;
        if header.xid == Xid::NOTIFICATION {
            return Ok(Self::Event(header, WatchedEvent::decode(reader)?));
        }
        let body = match block.op_code() {
            Some(op) if header.err == ErrorCode::Ok => Response::decode(op, reader)?,
            _ => None,
        };
        Ok(Self::Reply(header, body))
    }
}

impl Encode for Message {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Connect(request) => request.encode(out),
            Self::Connected(response) => response.encode(out),
            Self::Request(header, body) => {
                header.encode(out);
                body.iter().for_each(|body| body.encode(out));
            }
            Self::Reply(header, body) => {
                header.encode(out);
                body.iter().for_each(|body| body.encode(out));
            }
            Self::Event(header, event) => {
                header.encode(out);
                event.encode(out);
            }
        }
    }
}

/// Decodes a frame, and proves that nothing of it was lost.
fn check(
    block: &Block,
    frame: &Bytes,
    decode: fn(&Block, &mut Reader) -> Result<Message, DecodeError>,
) -> Message {
    let mut reader = Reader::new(frame.clone());
    let message = decode(block, &mut reader).unwrap_or_else(|e| panic!("{}: {e}", block.name));
    assert_eq!(reader.remaining(), 0, "{}: left over", block.name);
    let mut again = BytesMut::new();
    message.encode(&mut again);
    assert_eq!(again.freeze(), frame, "{}: {message:?}", block.name);
    message
}

pub(crate) fn sent(block: &Block) -> Option<Message> {
    let frame = block.sent.as_ref()?;
    Some(check(block, frame, Message::decode_sent))
}

pub(crate) fn received(block: &Block) -> Vec<Message> {
    let frames = block.received.iter();
    frames.map(|frame| check(block, frame, Message::decode_received)).collect()
}

//! The client's end of a connection: what it has asked, and what it is told.

use bytes::{Bytes, BytesMut};
use zk_proto::frame::take_frame;
use zk_proto::jute::Reader;
use zk_proto::message::{ConnectResponse, ReplyHeader, RequestHeader};
use zk_proto::op::Response;
use zk_proto::{Decode, ErrorCode, OpCode, Password, SessionId, WatchedEvent, Xid};

/// One open connection.
#[derive(Default)]
pub(super) struct Peer {
    pub(super) inbox: BytesMut,
    stage: Stage,
    /// Replies to the last frame.
    replies: usize,
}

#[derive(Clone, Copy, Default)]
enum Stage {
    #[default]
    Handshaking,
    /// The last request: the xid of its reply, and the operation if it is one.
    Serving(Option<(Xid, Option<OpCode>)>),
}

impl Peer {
    /// Notes a frame that is about to be said; false when it is better not said: the xid of
    /// events is the server's own, and a reply with it could not be told from one.
    pub(super) fn asks(&mut self, frame: &Bytes) -> bool {
        self.replies = 0;
        let Stage::Serving(asked) = &mut self.stage else {
            return true;
        };
        *asked = None;
        let Ok(RequestHeader { xid, op }) = RequestHeader::decode(&mut Reader::new(frame.clone()))
        else {
            return true;
        };
        let op = OpCode::from_code(op);
        let xid = if op == Some(OpCode::Ping) { Xid::PING } else { xid };
        *asked = Some((xid, op));
        xid != Xid::NOTIFICATION
    }

    /// After a frame: a connection that is still open has been told one thing.
    pub(super) fn was_answered(&self) {
        assert_eq!(self.replies, 1, "a request that was not answered once");
    }

    /// Reads what the server says; tells the sessions that it grants.
    pub(super) fn hears(&mut self, mut bytes: BytesMut) -> Vec<(SessionId, Password)> {
        let mut granted = Vec::new();
        while let Some(frame) = take_frame(&mut bytes, usize::MAX).expect("no frame") {
            let mut reader = Reader::new(frame);
            match self.stage {
                Stage::Handshaking => {
                    let response = ConnectResponse::decode(&mut reader).expect("no response");
                    if response.timeout > 0 {
                        granted.push((response.session_id, response.passwd));
                    }
                    self.stage = Stage::Serving(None);
                    self.replies += 1;
                }
                Stage::Serving(asked) => self.hears_reply(asked, &mut reader),
            }
            assert_eq!(reader.remaining(), 0, "more than was to be said");
        }
        assert!(bytes.is_empty(), "half a frame");
        granted
    }

    fn hears_reply(&mut self, asked: Option<(Xid, Option<OpCode>)>, reader: &mut Reader) {
        let header = ReplyHeader::decode(reader).expect("no header");
        if header.xid == Xid::NOTIFICATION {
            assert_eq!(header.err, ErrorCode::Ok);
            WatchedEvent::decode(reader).expect("no event");
            return;
        }
        self.replies += 1;
        let (xid, op) = asked.expect("a reply to nothing");
        assert_eq!(header.xid, xid);
        // Only a multi that fails has more to say about it.
        if header.err == ErrorCode::Ok || op == Some(OpCode::Multi) && reader.remaining() > 0 {
            let op = op.expect("an operation that is none went well");
            let body = Response::decode(op, reader).expect("no body");
            assert!(body.is_some(), "{op:?} has no reply");
        }
    }
}

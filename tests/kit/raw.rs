//! A connection without a client: says what it is told, and shows what comes back.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use zk_client::Stream;
use zk_proto::frame::{put_frame, take_frame};
use zk_proto::jute::Reader;
use zk_proto::message::{ConnectRequest, ConnectResponse, NoBody, ReplyHeader, RequestHeader};
use zk_proto::op::Request;
use zk_proto::{
    Decode, Encode, ErrorCode, EventType, Password, SessionId, WatchedEvent, Xid, Zxid,
};

/// A connection to the server under test.
pub struct RawConnection {
    stream: Box<dyn Stream>,
    buffer: BytesMut,
}

/// A frame behind the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawReply {
    /// Its header.
    pub header: ReplyHeader,
    /// What follows the header.
    pub body: Bytes,
}

impl RawConnection {
    /// On a stream to the server.
    #[must_use]
    pub fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, buffer: BytesMut::new() }
    }

    /// Sends bytes as they are.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.try_send_bytes(bytes).await.unwrap();
    }

    /// The same, to a server that may have hung up.
    ///
    /// # Errors
    /// When it has.
    pub async fn try_send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Sends bytes as one frame.
    pub async fn send_frame(&mut self, message: &impl Encode) {
        let mut out = BytesMut::new();
        put_frame(&mut out, |out| message.encode(out));
        self.send_bytes(&out).await;
    }

    /// Sends a request.
    pub async fn send(&mut self, xid: i32, request: &Request) {
        let mut out = BytesMut::new();
        put_frame(&mut out, |out| {
            RequestHeader { xid: Xid(xid), op: request.op_code().code() }.encode(out);
            request.encode(out);
        });
        self.send_bytes(&out).await;
    }

    /// Sends a request that need not be one: any opcode, any body.
    pub async fn send_odd(&mut self, xid: i32, op: i32, body: &[u8]) {
        let mut out = BytesMut::new();
        put_frame(&mut out, |out| {
            RequestHeader { xid: Xid(xid), op }.encode(out);
            out.extend_from_slice(body);
        });
        self.send_bytes(&out).await;
    }

    /// Sends a request and waits for its reply; events in between are passed over.
    pub async fn ask(&mut self, xid: i32, request: &Request) -> RawReply {
        self.send(xid, request).await;
        loop {
            let reply = self.reply().await.expect("the connection is closed");
            if reply.header.xid != Xid::NOTIFICATION {
                return reply;
            }
        }
    }

    /// Sends requests in one go, so that none waits for the reply of another.
    pub async fn send_all(&mut self, requests: &[(i32, Request)]) {
        let mut out = BytesMut::new();
        for (xid, request) in requests {
            put_frame(&mut out, |out| {
                RequestHeader { xid: Xid(*xid), op: request.op_code().code() }.encode(out);
                request.encode(out);
            });
        }
        self.send_bytes(&out).await;
    }

    /// Sends a request and waits for its reply; also gives the events that came before it.
    pub async fn exchange(&mut self, xid: i32, request: &Request) -> (Vec<WatchedEvent>, RawReply) {
        self.send(xid, request).await;
        let mut events = Vec::new();
        loop {
            let reply = self.reply().await.expect("the connection is closed");
            match reply.event() {
                Some((event, _)) => events.push(event),
                None => return (events, reply),
            }
        }
    }

    /// Does what is to succeed and to cause no event on this connection.
    pub async fn succeed(&mut self, request: &Request) -> RawReply {
        let (events, reply) = self.exchange(ANY_XID, request).await;
        assert_eq!((events, reply.header.err), (Vec::new(), ErrorCode::Ok), "{request:?}");
        reply
    }

    /// Does what is to succeed, and tells what events came before its reply.
    pub async fn caused_by(&mut self, request: &Request) -> Vec<(EventType, String)> {
        let (events, reply) = self.exchange(ANY_XID, request).await;
        assert_eq!(reply.header.err, ErrorCode::Ok, "{request:?}");
        events.into_iter().map(|event| (event.event_type, event.path.to_string())).collect()
    }

    /// The events so far: those of a write that was answered come before any later reply.
    pub async fn events(&mut self) -> Vec<(EventType, String)> {
        self.caused_by(&Request::Ping(NoBody {})).await
    }

    /// Whether the server hangs up at once, and not only when a timeout has passed; panics when
    /// it says something.
    pub async fn is_hung_up_on(&mut self) -> bool {
        match timeout(AT_ONCE, self.frame()).await {
            Ok(None) => true,
            Ok(Some(frame)) => panic!("instead of hanging up the server says {frame:?}"),
            Err(_) => false,
        }
    }

    /// Asks for a new session.
    pub async fn open_session(&mut self, session_timeout: Duration) -> ConnectResponse {
        self.handshake(ConnectRequest {
            timeout: i32::try_from(session_timeout.as_millis()).unwrap(),
            read_only: Some(false),
            ..ConnectRequest::default()
        })
        .await
        .expect("the connection is closed")
    }

    /// Asks for a session that was there before.
    pub async fn resume_session(
        &mut self,
        session_timeout: Duration,
        session_id: SessionId,
        passwd: Password,
    ) -> Option<ConnectResponse> {
        self.handshake(ConnectRequest {
            timeout: i32::try_from(session_timeout.as_millis()).unwrap(),
            session_id,
            passwd,
            read_only: Some(false),
            ..ConnectRequest::default()
        })
        .await
    }

    /// Sends any first frame; `None` when the server hangs up.
    pub async fn handshake(&mut self, request: ConnectRequest) -> Option<ConnectResponse> {
        self.send_frame(&request).await;
        let frame = self.frame().await?;
        Some(ConnectResponse::decode(&mut Reader::new(frame)).unwrap())
    }

    /// The next frame behind the handshake; `None` when the server has hung up.
    pub async fn reply(&mut self) -> Option<RawReply> {
        let mut reader = Reader::new(self.frame().await?);
        let header = ReplyHeader::decode(&mut reader).unwrap();
        Some(RawReply { header, body: reader.into_rest() })
    }

    /// The next frame; `None` when the server has hung up.
    pub async fn frame(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = take_frame(&mut self.buffer, usize::MAX).unwrap() {
                return Some(frame);
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
            // A reset is a way to hang up, too.
            if read.expect("the server says nothing").unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Everything up to the end of the connection, as it is.
    pub async fn rest(mut self) -> Bytes {
        loop {
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
            if read.expect("the server does not hang up").unwrap_or(0) == 0 {
                return self.buffer.freeze();
            }
        }
    }
}

impl RawReply {
    /// The body as a record, with nothing behind it.
    #[must_use]
    pub fn decode<T: Decode>(&self) -> T {
        let mut reader = Reader::new(self.body.clone());
        let value = T::decode(&mut reader).unwrap();
        assert_eq!(reader.remaining(), 0, "bytes behind the body");
        value
    }

    /// The event, if it is one.
    #[must_use]
    pub fn event(&self) -> Option<(WatchedEvent, Zxid)> {
        (self.header.xid == Xid::NOTIFICATION).then(|| (self.decode(), self.header.zxid))
    }
}

impl std::fmt::Debug for RawConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawConnection").finish_non_exhaustive()
    }
}

/// Longer than any session timeout in these tests, and than the time for a handshake.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where it does not matter: nothing else waits for a reply.
const ANY_XID: i32 = 1;

/// Shorter than the timeouts of sessions and handshakes, after which a server hangs up anyway.
const AT_ONCE: Duration = Duration::from_secs(2);

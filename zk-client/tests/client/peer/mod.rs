//! The other end of the wire: a peer that does what a test tells it to.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use zk_client::{
    Client, ClientBuilder, Connect, ErrorCode, EventType, HostPort, SessionId, Zxid, connect_with,
};
use zk_proto::frame::{put_frame, take_frame};
use zk_proto::jute::Reader;
use zk_proto::message::{ConnectRequest, ConnectResponse, NoBody, ReplyHeader, RequestHeader};
use zk_proto::op::Request;
use zk_proto::{Decode, Encode, KeeperState, OpCode, Password, WatchedEvent, Xid};

/// The session that peers grant unless told otherwise.
pub(crate) const SESSION: SessionId = SessionId(0x1_0000_0000_0042);
/// The session timeout that peers grant, in milliseconds.
pub(crate) const TIMEOUT: i32 = 30_000;
pub(crate) const PASSWORD: [u8; 16] = *b"0123456789abcdef";

/// Where a client's connections arrive.
pub(crate) struct Listener {
    arrivals: mpsc::Receiver<Peer>,
}

/// A connector, and the listener that its connections arrive at.
pub(crate) fn network(pipe: usize) -> (impl Connect, Listener) {
    let (dialled, arrivals) = mpsc::channel(16);
    let connector = connect_with(move |host: HostPort| {
        let dialled = dialled.clone();
        async move {
            let (ours, theirs) = duplex(pipe);
            let peer = Peer { host, stream: theirs, incoming: BytesMut::new(), zxid: 0x100 };
            let refused = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
            dialled.send(peer).await.map_err(refused)?;
            Ok::<_, io::Error>(ours)
        }
    });
    (connector, Listener { arrivals })
}

/// A client of three hosts that can be told apart, with a peer that has granted its session.
pub(crate) async fn connected(
    settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> (Client, Peer, Listener) {
    connected_over(64 * 1024, settings).await
}

pub(crate) async fn connected_over(
    pipe: usize,
    settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> (Client, Peer, Listener) {
    let (connector, mut listener) = network(pipe);
    let builder = Client::builder("zk1,zk2,zk3").seed(1).connector(connector);
    let (client, peer) = tokio::join!(settings(builder).connect(), listener.grant());
    (client.unwrap(), peer, listener)
}

impl Listener {
    pub(crate) async fn accept(&mut self) -> Peer {
        self.arrivals.recv().await.expect("the client has gone instead of dialling")
    }

    /// The next connection, on which the session is granted.
    pub(crate) async fn grant(&mut self) -> Peer {
        let mut peer = self.accept().await;
        peer.handshake().await;
        peer.grant().await;
        peer
    }

    /// Whether the client has dropped its connector, and will never dial again.
    pub(crate) async fn is_deserted(&mut self) -> bool {
        self.arrivals.recv().await.is_none()
    }
}

/// One connection of a client, seen from the server.
pub(crate) struct Peer<S = DuplexStream> {
    /// Which of its hosts the client has dialled.
    pub(crate) host: HostPort,
    stream: S,
    incoming: BytesMut,
    /// Of the next reply.
    pub(crate) zxid: i64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { host: HostPort::new("", 0), stream, incoming: BytesMut::new(), zxid: 0x100 }
    }

    async fn frame(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = take_frame(&mut self.incoming, usize::MAX).unwrap() {
                return Some(frame);
            }
            if self.stream.read_buf(&mut self.incoming).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    pub(crate) async fn handshake(&mut self) -> ConnectRequest {
        let frame = self.frame().await.expect("a handshake");
        ConnectRequest::decode(&mut Reader::new(frame)).unwrap()
    }

    pub(crate) async fn grant(&mut self) {
        self.answer_handshake(SESSION, TIMEOUT).await;
    }

    pub(crate) async fn answer_handshake(&mut self, session_id: SessionId, timeout: i32) {
        let response = ConnectResponse {
            protocol_version: 0,
            timeout,
            session_id,
            passwd: Password::new(PASSWORD),
            read_only: Some(false),
        };
        self.write(&framed(|out| response.encode(out))).await;
    }

    /// The next request, pings included; `None` when the client has hung up.
    pub(crate) async fn next(&mut self) -> Option<(Xid, Request)> {
        let mut reader = Reader::new(self.frame().await?);
        let header = RequestHeader::decode(&mut reader).unwrap();
        let op = OpCode::from_code(header.op).expect("an opcode");
        let request = Request::decode(op, &mut reader).unwrap();
        Some((header.xid, request.expect("a request")))
    }

    /// The next request that is no ping; pings are answered on the way.
    pub(crate) async fn request(&mut self) -> (Xid, Request) {
        loop {
            match self.next().await.expect("a request") {
                (xid, Request::Ping(_)) => self.reply(xid, &NoBody {}).await,
                request => return request,
            }
        }
    }

    /// The next requests, by what they ask for.
    pub(crate) async fn ops<const N: usize>(&mut self) -> [OpCode; N] {
        let mut ops = [OpCode::Error; N];
        for op in &mut ops {
            *op = self.request().await.1.op_code();
        }
        ops
    }

    pub(crate) async fn reply(&mut self, xid: Xid, body: &impl Encode) {
        let frame = self.reply_frame(xid, ErrorCode::Ok, body);
        self.write(&frame).await;
    }

    pub(crate) async fn refuse(&mut self, xid: Xid, err: ErrorCode) {
        let frame = self.reply_frame(xid, err, &NoBody {});
        self.write(&frame).await;
    }

    pub(crate) fn reply_frame(&mut self, xid: Xid, err: ErrorCode, body: &impl Encode) -> Bytes {
        let zxid = Zxid(self.zxid);
        self.zxid += 1;
        framed(|out| {
            ReplyHeader { xid, zxid, err }.encode(out);
            body.encode(out);
        })
    }

    pub(crate) async fn event(&mut self, event_type: EventType, path: &'static str) {
        let header = ReplyHeader { xid: Xid::NOTIFICATION, zxid: Zxid(-1), err: ErrorCode::Ok };
        let event =
            WatchedEvent { event_type, state: KeeperState::SyncConnected, path: path.into() };
        let frame = framed(|out| {
            header.encode(out);
            event.encode(out);
        });
        self.write(&frame).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the client reads");
    }

    /// Answers the request to close, which must be the next one, and hangs up.
    pub(crate) async fn close(mut self) {
        let (xid, request) = self.request().await;
        assert!(matches!(request, Request::CloseSession(_)), "{request:?}");
        self.reply(xid, &NoBody {}).await;
    }

    /// Answers nothing until the client hangs up.
    pub(crate) async fn ignore(&mut self) {
        while self.next().await.is_some() {}
    }
}

pub(crate) fn framed(body: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut out = BytesMut::new();
    put_frame(&mut out, body);
    out.freeze()
}

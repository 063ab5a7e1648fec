//! A client that speaks frames and nothing else.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use zk_proto::frame::{put_frame, take_frame};
use zk_proto::jute::Reader;
use zk_proto::message::{
    ConnectRequest, ConnectResponse, CreateRequest, ExistsRequest, ReplyHeader, RequestHeader,
};
use zk_proto::{Acl, Decode, Encode, ErrorCode, OpCode, Password, SessionId, Stat, Xid, Zxid};
use zk_server_lite::Server;

pub struct Client<S = DuplexStream> {
    pub stream: S,
    pub session: SessionId,
    pub password: [u8; 16],
    pub timeout: i32,
    inbox: BytesMut,
    xid: i32,
}

impl Client {
    /// A new session over memory, with a timeout of 10 s.
    pub async fn memory(server: &Server) -> Self {
        let stream = server.memory().connect().await.unwrap();
        Self::connect(stream, SessionId::NONE, &[0; 16]).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub fn raw(stream: S) -> Self {
        Self {
            stream,
            session: SessionId::NONE,
            password: [0; 16],
            timeout: 0,
            inbox: BytesMut::new(),
            xid: 0,
        }
    }

    /// Opens or takes up a session; the refusal of one is a session id of 0.
    pub async fn connect(stream: S, session: SessionId, password: &[u8; 16]) -> Self {
        let mut client = Self::raw(stream);
        client.send_connect(Zxid::ZERO, session, password).await;
        let frame = client.frame().await.unwrap();
        let response = ConnectResponse::decode(&mut Reader::new(frame)).unwrap();
        client.session = response.session_id;
        client.password = response.passwd.as_bytes().try_into().unwrap();
        client.timeout = response.timeout;
        client
    }

    pub async fn send_connect(&mut self, seen: Zxid, session: SessionId, password: &[u8; 16]) {
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: seen,
            timeout: 10_000,
            session_id: session,
            passwd: Password::new(*password),
            read_only: Some(false),
        };
        let mut out = BytesMut::new();
        put_frame(&mut out, |out| request.encode(out));
        self.stream.write_all(&out).await.unwrap();
    }

    pub async fn send(&mut self, op: OpCode, body: &impl Encode) -> Xid {
        self.xid += 1;
        let header = RequestHeader { xid: Xid(self.xid), op: op.code() };
        let mut out = BytesMut::new();
        put_frame(&mut out, |out| {
            header.encode(out);
            body.encode(out);
        });
        self.stream.write_all(&out).await.unwrap();
        header.xid
    }

    /// The next frame; `None` when the server has hung up.
    pub async fn frame(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = take_frame(&mut self.inbox, usize::MAX).unwrap() {
                return Some(frame);
            }
            if self.stream.read_buf(&mut self.inbox).await.ok()? == 0 {
                return None;
            }
        }
    }

    pub async fn reply(&mut self) -> Option<(ReplyHeader, Reader)> {
        let mut reader = Reader::new(self.frame().await?);
        let header = ReplyHeader::decode(&mut reader).unwrap();
        Some((header, reader))
    }

    pub async fn call<T: Decode>(
        &mut self,
        op: OpCode,
        body: &impl Encode,
    ) -> Result<T, ErrorCode> {
        let xid = self.send(op, body).await;
        let (header, mut reader) = self.reply().await.unwrap();
        assert_eq!(header.xid, xid);
        header.err.into_result()?;
        Ok(T::decode(&mut reader).unwrap())
    }

    pub async fn create(&mut self, path: &str, data: &[u8], flags: i32) -> Result<(), ErrorCode> {
        let request = CreateRequest {
            path: path.into(),
            data: Some(Bytes::copy_from_slice(data)),
            acl: Some(Acl::open()),
            flags,
        };
        self.call::<zk_proto::ByteString>(OpCode::Create, &request).await.map(drop)
    }

    pub async fn exists(&mut self, path: &str, watch: bool) -> Result<Stat, ErrorCode> {
        self.call(OpCode::Exists, &ExistsRequest { path: path.into(), watch }).await
    }

    /// Whether the server hangs up without another word.
    pub async fn is_closed(&mut self) -> bool {
        self.frame().await.is_none()
    }
}

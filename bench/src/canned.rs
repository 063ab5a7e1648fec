//! A server with canned replies: what is measured against it is the client alone.
//!
//! One thread answers each request at once, by its opcode, with bytes that were made beforehand;
//! only the xid is filled in. It looks at nothing else, keeps nothing, and fires no watch. Per
//! wake-up of a connection it makes one large read and one write.

use std::io;
use std::net::SocketAddr;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zk_proto::frame::{put_frame, take_frame};
use zk_proto::jute::Reader;
use zk_proto::message::{
    ConnectRequest, ConnectResponse, ExistsResponse, GetChildren2Response, GetChildrenResponse,
    GetDataResponse, ReplyHeader, RequestHeader,
};
use zk_proto::op::Response;
use zk_proto::{
    Decode, DecodeError, Encode, ErrorCode, OpCode, Password, SessionId, Stat, Xid, Zxid,
};

use crate::Failure;

/// Tells the address on a line, then answers any number of connections.
pub(crate) async fn listen(address: SocketAddr, data: usize) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await?;
    println!("{}", listener.local_addr()?);
    let replies: &'static Replies = Box::leak(Box::new(Replies::new(data)));
    for number in 1.. {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            // A client that goes away, or talks nonsense, is none of our business.
            let _ = answer(stream, replies, SessionId(number)).await;
        });
    }
    Ok(())
}

async fn answer(mut stream: TcpStream, replies: &Replies, id: SessionId) -> io::Result<()> {
    let (mut requests, mut out) = (BytesMut::with_capacity(READ), BytesMut::new());
    let mut connected = false;
    loop {
        requests.reserve(READ);
        if stream.read_buf(&mut requests).await? == 0 {
            return Ok(());
        }
        while let Some(frame) = take_frame(&mut requests, LONGEST).map_err(io::Error::other)? {
            if !connected {
                grant(&mut out, Reader::new(frame), id).map_err(io::Error::other)?;
                connected = true;
                continue;
            }
            let header =
                RequestHeader::decode(&mut Reader::new(frame)).map_err(io::Error::other)?;
            replies.put(&mut out, &header);
            if header.op == OpCode::CloseSession.code() {
                return stream.write_all(&out).await;
            }
        }
        stream.write_all(&out).await?;
        out.clear();
    }
}

/// Grants whatever is asked for.
fn grant(out: &mut BytesMut, mut request: Reader, id: SessionId) -> Result<(), DecodeError> {
    let asked = ConnectRequest::decode(&mut request)?;
    let granted = ConnectResponse {
        protocol_version: 0,
        timeout: asked.timeout,
        session_id: if asked.session_id == SessionId::NONE { id } else { asked.session_id },
        passwd: Password::default(),
        read_only: asked.read_only.map(|_| false),
    };
    put_frame(out, |out| granted.encode(out));
    Ok(())
}

/// Whole frames, to be sent with another xid.
struct Replies {
    data: Vec<u8>,
    stat: Vec<u8>,
    names: Vec<u8>,
    names_and_stat: Vec<u8>,
    nothing: Vec<u8>,
    refusal: Vec<u8>,
}

impl Replies {
    fn new(data: usize) -> Self {
        let stat = Stat { data_length: data.try_into().unwrap_or(i32::MAX), ..Stat::default() };
        let (data, children) = (Some(vec![b'x'; data].into()), Vec::new());
        let success = |response| canned(ErrorCode::Ok, Some(response));
        Self {
            data: success(Response::GetData(GetDataResponse { data, stat })),
            stat: success(Response::Exists(ExistsResponse { stat })),
            names: success(Response::GetChildren(GetChildrenResponse {
                children: children.clone(),
            })),
            names_and_stat: success(Response::GetChildren2(GetChildren2Response {
                children,
                stat,
            })),
            nothing: canned(ErrorCode::Ok, None),
            refusal: canned(ErrorCode::Unimplemented, None),
        }
    }

    fn put(&self, out: &mut BytesMut, request: &RequestHeader) {
        let reply = match OpCode::from_code(request.op) {
            Some(OpCode::GetData) => &self.data,
            Some(OpCode::Exists | OpCode::SetData) => &self.stat,
            Some(OpCode::GetChildren) => &self.names,
            Some(OpCode::GetChildren2) => &self.names_and_stat,
            Some(
                OpCode::Ping
                | OpCode::Auth
                | OpCode::SetWatches
                | OpCode::SetWatches2
                | OpCode::Delete
                | OpCode::CloseSession,
            ) => &self.nothing,
            _ => &self.refusal,
        };
        let (length, behind) = reply.split_at(size_of::<u32>());
        out.extend_from_slice(length);
        out.extend_from_slice(&request.xid.0.to_be_bytes());
        out.extend_from_slice(behind.get(size_of::<Xid>()..).unwrap_or_default());
    }
}

fn canned(err: ErrorCode, response: Option<Response>) -> Vec<u8> {
    let mut out = BytesMut::new();
    put_frame(&mut out, |out| {
        ReplyHeader { xid: Xid(0), zxid: Zxid(1), err }.encode(out);
        if let Some(response) = response {
            response.encode(out);
        }
    });
    out.to_vec()
}

/// Room for one read, in bytes.
const READ: usize = 256 * 1024;
/// No request is longer.
const LONGEST: usize = 64 * 1024 * 1024;

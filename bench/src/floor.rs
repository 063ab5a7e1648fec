//! The floor: a socket loop without a client.
//!
//! It sends requests that were encoded before with one write, and counts the frames that come
//! back without looking into them. No client can do with less, because it does nothing else.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::BytesMut;
use zk_proto::frame::{put_frame, take_frame};
use zk_proto::jute::Reader;
use zk_proto::message::{
    ConnectRequest, ConnectResponse, GetDataRequest, GetDataResponse, ReplyHeader, RequestHeader,
};
use zk_proto::{Decode, Encode, OpCode, SessionId, Stat, Xid};

use crate::Failure;

/// What is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) path: &'static str,
    /// Bytes of data.
    pub(crate) data: usize,
}

/// A session on a blocking socket.
#[derive(Debug)]
pub(crate) struct SocketLoop {
    stream: TcpStream,
    requests: Vec<u8>,
    replies: Vec<u8>,
    /// How long a reply is, in bytes.
    reply: usize,
}

impl SocketLoop {
    /// Opens a session, and encodes `in_flight` reads of `node`.
    pub(crate) fn connect(address: &str, node: Node, in_flight: usize) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        open_session(&mut stream)?;
        let requests = encode(node.path, in_flight)?;
        let reply = reply_length(node.data);
        Ok(Self { stream, requests, replies: vec![0; READ], reply })
    }

    /// Sends all requests, and waits for as many replies.
    pub(crate) fn turn(&mut self, in_flight: usize) -> Result<(), Failure> {
        self.stream.write_all(&self.requests)?;
        let (mut answered, mut arrived, mut filled) = (0, 0, 0);
        while answered < in_flight {
            let room = self.replies.get_mut(filled..).unwrap_or_default();
            let read = self.stream.read(room)?;
            if read == 0 {
                return Err("the server hung up".into());
            }
            filled += read;
            let (frames, whole) = count_frames(self.replies.get(..filled).unwrap_or_default());
            answered += frames;
            arrived += whole;
            self.replies.copy_within(whole..filled, 0);
            filled -= whole;
        }
        if arrived != in_flight * self.reply {
            return Err("the server answered with something else".into());
        }
        Ok(())
    }
}

fn open_session(stream: &mut TcpStream) -> Result<(), Failure> {
    let asked = ConnectRequest {
        timeout: SESSION_TIMEOUT_MS,
        read_only: Some(false),
        ..ConnectRequest::default()
    };
    let mut out = BytesMut::new();
    put_frame(&mut out, |out| asked.encode(out));
    stream.write_all(&out)?;
    let mut answer = BytesMut::new();
    let frame = loop {
        if let Some(frame) = take_frame(&mut answer, READ)? {
            break frame;
        }
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        answer.extend_from_slice(&byte);
    };
    let granted = ConnectResponse::decode(&mut Reader::new(frame))?;
    if granted.session_id == SessionId::NONE {
        return Err("no session was granted".into());
    }
    Ok(())
}

fn encode(path: &str, count: usize) -> Result<Vec<u8>, Failure> {
    let mut out = BytesMut::new();
    for number in 1..=count {
        let xid = Xid(number.try_into()?);
        put_frame(&mut out, |out| {
            RequestHeader { xid, op: OpCode::GetData.code() }.encode(out);
            GetDataRequest { path: path.into(), watch: false }.encode(out);
        });
    }
    Ok(out.to_vec())
}

/// Of a successful read, with the length in front of the frame.
fn reply_length(data: usize) -> usize {
    let (mut out, data) = (BytesMut::new(), Some(vec![b'x'; data].into()));
    put_frame(&mut out, |out| {
        ReplyHeader::default().encode(out);
        GetDataResponse { data, stat: Stat::default() }.encode(out);
    });
    out.len()
}

/// How many whole frames stand in front, and how many bytes they have.
fn count_frames(bytes: &[u8]) -> (usize, usize) {
    let (mut frames, mut whole) = (0, 0);
    while let Some(head) = bytes.get(whole..).and_then(<[u8]>::first_chunk) {
        let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
        let end = whole.saturating_add(head.len()).saturating_add(length);
        if end > bytes.len() {
            break;
        }
        frames += 1;
        whole = end;
    }
    (frames, whole)
}

/// Room for one read, in bytes: more than 256 replies have.
const READ: usize = 256 * 1024;
/// The longest that a server grants by default: this session is never pinged.
const SESSION_TIMEOUT_MS: i32 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_frames_count() {
        let bytes = [0, 0, 0, 1, 7, 0, 0, 0, 2, 8, 9];
        let counted = [0, 4, 5, 10, 11].map(|length| count_frames(&bytes[..length]));
        assert_eq!(counted, [(0, 0), (0, 0), (1, 5), (1, 5), (2, 11)]);
    }
}

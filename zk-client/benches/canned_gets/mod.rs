//! A client that gets, and a peer over a pipe that answers at once.
//!
//! The peer looks at the length and the xid of a request and at nothing else, and answers with
//! bytes that were made beforehand.

use std::collections::VecDeque;
use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use zk_client::{Client, HostPort, connect_with};
use zk_proto::frame::{put_frame, take_frame};
use zk_proto::message::{ConnectResponse, GetDataResponse, ReplyHeader};
use zk_proto::{Encode, ErrorCode, Password, SessionId, Stat, Xid, Zxid};

/// That many gets with a window that slides: the oldest reply makes room for one more request.
pub(crate) async fn slide(
    client: &Client,
    window: usize,
    gets: u64,
) -> Result<(), zk_client::Error> {
    let mut replies = VecDeque::with_capacity(window);
    for _ in 0..gets {
        if replies.len() == window
            && let Some(oldest) = replies.pop_front()
        {
            oldest.await?;
        }
        replies.push_back(client.get("/node").send());
    }
    for reply in replies {
        reply.await?;
    }
    Ok(())
}

/// A client of a peer that answers over a pipe.
pub(crate) async fn connect() -> Result<Client, zk_client::Error> {
    let connector = connect_with(|_: HostPort| async {
        let (ours, theirs) = duplex(PIPE);
        tokio::spawn(answer(theirs));
        Ok::<_, io::Error>(ours)
    });
    Client::builder("peer:2181").connector(connector).connect().await
}

/// Answers until the client has hung up.
async fn answer(mut stream: DuplexStream) -> io::Result<()> {
    let found = canned_get();
    let (mut requests, mut out) = (BytesMut::with_capacity(PIPE), grant());
    let mut is_connected = false;
    loop {
        requests.reserve(PIPE);
        if stream.read_buf(&mut requests).await? == 0 {
            return Ok(());
        }
        while let Some(mut frame) = take_frame(&mut requests, PIPE).map_err(io::Error::other)? {
            // The first frame asks for a session, which `out` grants already.
            if is_connected {
                let xid = frame.try_get_i32().map_err(io::Error::other)?;
                put_reply(&mut out, &found, xid);
            }
            is_connected = true;
        }
        stream.write_all(&out).await?;
        out.clear();
    }
}

/// A whole frame, with an xid that is to be replaced.
fn canned_get() -> BytesMut {
    let mut frame = BytesMut::new();
    put_frame(&mut frame, |out| {
        ReplyHeader { xid: Xid(0), zxid: Zxid(1), err: ErrorCode::Ok }.encode(out);
        let stat = Stat { data_length: 100, ..Stat::default() };
        GetDataResponse { data: Some(vec![b'x'; 100].into()), stat }.encode(out);
    });
    frame
}

fn put_reply(out: &mut BytesMut, canned: &[u8], xid: i32) {
    let (length, behind) = canned.split_at(size_of::<u32>());
    out.extend_from_slice(length);
    out.extend_from_slice(&xid.to_be_bytes());
    out.extend_from_slice(behind.get(size_of::<Xid>()..).unwrap_or_default());
}

fn grant() -> BytesMut {
    let mut frame = BytesMut::new();
    let granted = ConnectResponse {
        protocol_version: 0,
        timeout: 30_000,
        session_id: SessionId(1),
        passwd: Password::default(),
        read_only: Some(false),
    };
    put_frame(&mut frame, |out| granted.encode(out));
    frame
}

/// What the pipe holds, in bytes, each way.
const PIPE: usize = 256 * 1024;

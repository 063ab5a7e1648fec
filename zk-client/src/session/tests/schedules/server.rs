//! A server that answers in order, one connection at a time.

use std::collections::{BTreeSet, VecDeque};

use bytes::{Bytes, BytesMut};
use zk_proto::frame::put_frame;
use zk_proto::message::{
    ConnectResponse, Create2Response, CreateRequest, GetDataResponse, NoBody, ReplyHeader,
};
use zk_proto::op::Request;
use zk_proto::{
    Encode, ErrorCode, EventType, KeeperState, Password, SessionId, WatchedEvent, Xid, Zxid,
};

#[derive(Default)]
pub(super) struct Server {
    /// Read on this connection and not answered yet.
    asked: VecDeque<(Xid, Request)>,
    /// Written, and not arrived yet.
    written: BytesMut,
    zxid: i64,
    /// Watches set on this connection.
    watches: BTreeSet<u32>,
}

impl Server {
    pub(super) const fn zxid(&self) -> Zxid {
        Zxid(self.zxid)
    }

    pub(super) fn answer_handshake(&mut self, session_id: SessionId, timeout: i32) {
        let passwd = Password::new([1; 16]);
        let response = ConnectResponse { timeout, session_id, passwd, ..Default::default() };
        put_frame(&mut self.written, |out| response.encode(out));
    }

    pub(super) fn read(&mut self, xid: Xid, request: Request) {
        self.asked.push_back((xid, request));
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.written.extend_from_slice(bytes);
    }

    /// So many bytes, if there are as many, reach the other end.
    pub(super) fn arrive(&mut self, length: usize) -> BytesMut {
        self.written.split_to(length.min(self.written.len()))
    }

    pub(super) fn hang_up(&mut self) {
        self.asked.clear();
        self.written.clear();
        self.watches.clear();
    }

    /// Carries out the next request.
    pub(super) fn answer(&mut self) {
        let Some((xid, request)) = self.asked.pop_front() else {
            return;
        };
        if let Some(number) = number(&request)
            && matches!(&request, Request::GetData(get) if get.watch)
        {
            self.watches.insert(number);
        }
        match request {
            Request::GetData(get) => {
                let data = Some(Bytes::copy_from_slice(get.path.as_bytes()));
                self.reply(xid, ErrorCode::Ok, &GetDataResponse { data, ..Default::default() });
            }
            Request::Create2(CreateRequest { path, .. }) => {
                self.reply(xid, ErrorCode::Ok, &Create2Response { path, ..Default::default() });
            }
            Request::SetWatches(again) => {
                for path in &again.data_watches {
                    self.watches.insert(path[1..].parse().unwrap());
                }
                self.reply(xid, ErrorCode::Ok, &NoBody {});
            }
            _ => self.reply(xid, ErrorCode::Ok, &NoBody {}),
        }
    }

    /// Refuses the next request, if it is one of ours.
    pub(super) fn answer_error(&mut self) {
        match self.asked.pop_front() {
            Some((xid, Request::GetData(_) | Request::Create2(_))) => {
                self.reply(xid, ErrorCode::NoAuth, &NoBody {});
            }
            Some(other) => self.asked.push_front(other),
            None => {}
        }
    }

    fn reply(&mut self, xid: Xid, err: ErrorCode, body: &impl Encode) {
        self.zxid += 1;
        let header = ReplyHeader { xid, zxid: Zxid(self.zxid), err };
        put_frame(&mut self.written, |out| {
            header.encode(out);
            body.encode(out);
        });
    }

    /// One of the watches fires.
    pub(super) fn event(&mut self, which: usize) {
        let chosen = self.watches.iter().nth(which % self.watches.len().max(1));
        if let Some(&number) = chosen {
            self.watches.remove(&number);
            let event = WatchedEvent {
                event_type: EventType::NodeDataChanged,
                state: KeeperState::SyncConnected,
                path: path(number).into(),
            };
            self.reply(Xid::NOTIFICATION, ErrorCode::Ok, &event);
        }
    }
}

pub(super) fn path(number: u32) -> String {
    format!("/{number:06}")
}

/// Which of our requests it is; none for those of the session's own.
pub(super) fn number(request: &Request) -> Option<u32> {
    let path = match request {
        Request::GetData(get) => &get.path,
        Request::Create2(create) => &create.path,
        _ => return None,
    };
    path[1..].parse().ok()
}

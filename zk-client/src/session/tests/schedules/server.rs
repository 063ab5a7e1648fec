//! A server that answers in order, one connection at a time.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use zk_proto::frame::put_frame;
use zk_proto::message::{
    ConnectResponse, Create2Response, CreateRequest, ErrorResponse, GetDataResponse, MultiResponse,
    MultiResult, NoBody, ReplyHeader,
};
#[cfg(feature = "sasl")]
use zk_proto::message::{Secret, SetSaslResponse};
use zk_proto::op::Request;
use zk_proto::{
    AddWatchMode, Encode, ErrorCode, EventType, KeeperState, Password, SessionId, WatchedEvent,
    Xid, Zxid,
};

use super::watch_tables::WatchTables;

#[derive(Default)]
pub(super) struct Server {
    /// Read on this connection and not answered yet.
    asked: VecDeque<(Xid, Request)>,
    /// Written, and not arrived yet.
    written: BytesMut,
    zxid: i64,
    /// Whether it has lost its ensemble.
    read_only: bool,
    /// Watches set on this connection.
    pub(super) watches: WatchTables,
}

impl Server {
    /// One before 3.9 has other rules for watches.
    pub(super) fn new(is_old: bool) -> Self {
        Self { watches: WatchTables::new(is_old), ..Self::default() }
    }

    pub(super) const fn zxid(&self) -> Zxid {
        Zxid(self.zxid)
    }

    pub(super) fn answer_handshake(&mut self, session_id: SessionId, timeout: i32) {
        let passwd = Password::new([1; 16]);
        let read_only = Some(session_id == THROW_AWAY);
        self.read_only = session_id == THROW_AWAY;
        let response =
            ConnectResponse { timeout, session_id, passwd, read_only, ..Default::default() };
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

    pub(super) const fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether a write is next, which needs a leader.
    pub(super) fn needs_leader(&self) -> bool {
        matches!(self.asked.front(), Some((_, Request::Create2(_) | Request::Multi(_))))
    }

    /// Carries out the next request.
    pub(super) fn answer(&mut self) {
        if self.read_only && self.needs_leader() {
            if let Some((xid, _)) = self.asked.pop_front() {
                self.reply(xid, ErrorCode::NotReadOnly, &NoBody {});
            }
            return;
        }
        let Some((xid, request)) = self.asked.pop_front() else {
            return;
        };
        if let Request::GetData(get) = &request
            && get.watch
        {
            self.watches.one_shot.insert(get.path.to_string());
        }
        match request {
            Request::GetData(get) => {
                let data = Some(Bytes::copy_from_slice(get.path.as_bytes()));
                self.reply(xid, ErrorCode::Ok, &GetDataResponse { data, ..Default::default() });
            }
            Request::Create2(CreateRequest { path, .. }) => {
                self.reply(xid, ErrorCode::Ok, &Create2Response { path, ..Default::default() });
            }
            Request::Multi(_) => {
                let results = vec![MultiResult::Check(NoBody {})];
                self.reply(xid, ErrorCode::Ok, &MultiResponse { results });
            }
            Request::SetWatches(again) => {
                self.watches.one_shot.extend(again.data_watches.iter().map(ToString::to_string));
                self.reply(xid, ErrorCode::Ok, &NoBody {});
            }
            Request::SetWatches2(again) => {
                self.watches.one_shot.extend(again.data_watches.iter().map(ToString::to_string));
                for path in &again.persistent_watches {
                    self.watches.add(path, AddWatchMode::Persistent);
                }
                for path in &again.persistent_recursive_watches {
                    self.watches.add(path, AddWatchMode::PersistentRecursive);
                }
                self.reply(xid, ErrorCode::Ok, &NoBody {});
            }
            Request::AddWatch(add) => {
                self.watches.add(&add.path, add.mode);
                self.reply(xid, ErrorCode::Ok, &ErrorResponse { err: ErrorCode::Ok });
            }
            Request::RemoveWatches(remove) => {
                let err = self.watches.remove(&remove.path, remove.watcher_type);
                self.reply(xid, err, &NoBody {});
            }
            #[cfg(feature = "sasl")]
            Request::Sasl(asked) => {
                let token = super::sasl::answer(&asked.token.0.unwrap_or_default());
                self.reply(xid, ErrorCode::Ok, &SetSaslResponse { token: Secret(Some(token)) });
            }
            _ => self.reply(xid, ErrorCode::Ok, &NoBody {}),
        }
    }

    /// Whether SASL waits for an answer.
    pub(super) fn is_asked_for_sasl(&self) -> bool {
        matches!(self.asked.front(), Some((_, Request::Sasl(_))))
    }

    /// Does not take a client for who it says it is; tells whether that was the next question.
    pub(super) fn refuse_credential(&mut self) -> bool {
        let next = self
            .asked
            .pop_front_if(|(_, request)| matches!(request, Request::Auth(_) | Request::Sasl(_)));
        if let Some((xid, _)) = &next {
            self.reply(*xid, ErrorCode::AuthFailed, &NoBody {});
        }
        next.is_some()
    }

    /// Refuses the next request, if it is one of ours.
    pub(super) fn answer_error(&mut self) {
        match self.asked.pop_front() {
            Some((xid, Request::GetData(_) | Request::Create2(_) | Request::AddWatch(_))) => {
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
        let watches = &mut self.watches.one_shot;
        if let Some(path) = watches.iter().nth(which % watches.len().max(1)).cloned() {
            watches.remove(&path);
            self.notify(EventType::NodeDataChanged, path);
        }
    }

    /// Something changes that persistent watches may hear of.
    pub(super) fn change(&mut self, which: usize) {
        use EventType::{NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted};
        let changes = [
            (NodeDataChanged, "/s"),
            (NodeChildrenChanged, "/s"),
            (NodeCreated, "/s/x"),
            (NodeDeleted, "/s/x"),
            (NodeDataChanged, "/"),
        ];
        let (event_type, path) = changes[which % changes.len()];
        if self.watches.hears(event_type, path) {
            self.notify(event_type, path.to_owned());
        }
    }

    fn notify(&mut self, event_type: EventType, path: String) {
        let state = KeeperState::SyncConnected;
        let event = WatchedEvent { event_type, state, path: path.into() };
        self.reply(Xid::NOTIFICATION, ErrorCode::Ok, &event);
    }

    /// Whether everything is answered, and all answers have arrived.
    pub(super) fn is_quiet(&self) -> bool {
        self.asked.is_empty() && self.written.is_empty()
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

/// The session that a read-only server gives out.
pub(super) const THROW_AWAY: SessionId = SessionId(0x99);

//! Exchanges by name, and the messages that are expected in them.

use zk_proto::message::ReplyHeader;
use zk_proto::op::{Request, Response};
use zk_proto::{ErrorCode, EventType, KeeperState, Stat, Version, WatchedEvent, Xid, Zxid};

use super::message::{Message, received, sent};
use crate::wire_vectors::{MASTER, block};

/// Checks a block of the server that answers as the present version does.
pub(crate) fn talk(name: &str) -> (Option<Request>, Vec<Message>) {
    let exchange = block(MASTER, name);
    let request = match sent(&exchange) {
        Some(Message::Request(_, body)) => body,
        other => panic!("{name}: {other:?}"),
    };
    (request, received(&exchange))
}

pub(crate) fn reply(xid: i32, zxid: i64, body: Response) -> Message {
    Message::Reply(header(xid, zxid, ErrorCode::Ok), Some(body))
}

pub(crate) fn refusal(xid: i32, zxid: i64, err: ErrorCode) -> Message {
    Message::Reply(header(xid, zxid, err), None)
}

pub(crate) fn event(zxid: i64, event_type: EventType, path: &'static str) -> Message {
    let event = WatchedEvent { event_type, state: KeeperState::SyncConnected, path: path.into() };
    Message::Event(header(-1, zxid, ErrorCode::Ok), event)
}

pub(crate) const fn header(xid: i32, zxid: i64, err: ErrorCode) -> ReplyHeader {
    ReplyHeader { xid: Xid(xid), zxid: Zxid(zxid), err }
}

/// `/a` after it was created with `hi` and got one child.
pub(crate) fn stat_of_a() -> Stat {
    Stat {
        czxid: Zxid(3),
        mzxid: Zxid(3),
        ctime: 0x01a2_039b_2e61,
        mtime: 0x01a2_039b_2e61,
        cversion: Version(1),
        data_length: 2,
        num_children: 1,
        pzxid: Zxid(6),
        ..Stat::default()
    }
}

/// `/a` after its data was set to `yo`.
pub(crate) fn stat_of_a_later() -> Stat {
    Stat { mzxid: Zxid(10), mtime: 0x01a2_039b_2eae, version: Version(1), ..stat_of_a() }
}

/// A node whose creation was the transaction `zxid`.
pub(crate) fn fresh_stat(zxid: i64, time: i64) -> Stat {
    Stat {
        czxid: Zxid(zxid),
        mzxid: Zxid(zxid),
        ctime: time,
        mtime: time,
        pzxid: Zxid(zxid),
        ..Stat::default()
    }
}

//! What frames about the connection itself say.

use bytes::Bytes;
use zk_proto::SessionId;
use zk_proto::data::ClientInfo;
use zk_proto::message::{
    GetAllChildrenNumberResponse, GetEphemeralsResponse, NoBody, SyncResponse, WhoAmIResponse,
};
use zk_proto::op::{Request, Response};

use super::exchange::{reply, talk};
use super::message::{Message, received, sent};
use crate::wire_vectors::{DEBIAN_3_8, MASTER, block};

#[test]
fn a_handshake_grants_a_session_or_none() {
    let exchange = block(MASTER, "connect (new");
    let Some(Message::Connect(request)) = sent(&exchange) else {
        panic!("no request");
    };
    assert_eq!(request.timeout, 10_000);
    assert_eq!(request.session_id, SessionId::NONE);
    assert_eq!(request.passwd.as_bytes(), [0; 16]);
    assert_eq!(request.read_only, Some(true));
    let [Message::Connected(response)] = &received(&exchange)[..] else {
        panic!("no response");
    };
    assert_eq!(response.timeout, 10_000);
    assert_eq!(response.session_id, SessionId(0x0100_0033_0082_0000));
    assert_eq!(response.passwd.as_bytes().len(), 16);
    assert_ne!(response.passwd.as_bytes(), [0; 16]);
    assert_eq!(response.read_only, Some(false));
    let [Message::Connected(refused)] = &received(&block(MASTER, "connect (unknown"))[..] else {
        panic!("no response");
    };
    assert_eq!((refused.timeout, refused.session_id), (0, SessionId::NONE));
}

#[test]
fn an_old_client_neither_sends_nor_gets_the_read_only_byte() {
    for server in [MASTER, DEBIAN_3_8] {
        let exchange = block(server, "connect (old");
        let Some(Message::Connect(request)) = sent(&exchange) else {
            panic!("no request");
        };
        assert_eq!(request.read_only, None);
        let [Message::Connected(response)] = &received(&exchange)[..] else {
            panic!("no response");
        };
        assert_eq!(response.read_only, None);
    }
}

#[test]
fn the_small_operations_answer_too() {
    let ephemerals = vec!["/a/s-0000000000".into()];
    let total_number = 1;
    let client = ClientInfo { auth_scheme: "ip".into(), user: "127.0.0.1".into() };
    let client_info = vec![client];
    for (name, expected) in [
        ("ping", reply(-2, 2, Response::Ping(NoBody {}))),
        ("sync /x", reply(15, 11, Response::Sync(SyncResponse { path: "/x".into() }))),
        (
            "getEphemerals /",
            reply(23, 13, Response::GetEphemerals(GetEphemeralsResponse { ephemerals })),
        ),
        (
            "getAllChildrenNumber /a",
            reply(
                24,
                13,
                Response::GetAllChildrenNumber(GetAllChildrenNumberResponse { total_number }),
            ),
        ),
        ("whoAmI", reply(25, 13, Response::WhoAmI(WhoAmIResponse { client_info }))),
        ("auth digest bob:pw", reply(-4, 0, Response::Auth(NoBody {}))),
    ] {
        assert_eq!(talk(name).1, [expected], "{name}");
    }
}

#[test]
fn credentials_are_carried_and_not_shown() {
    let (request, _) = talk("auth digest bob:pw");
    let shown = format!("{request:?}");
    let Some(Request::Auth(packet)) = request else {
        panic!("{shown}");
    };
    assert_eq!(packet.scheme, "digest");
    assert_eq!(packet.auth.0, Some(Bytes::from_static(b"bob:pw")));
    assert!(!shown.contains("bob"), "{shown}");
}

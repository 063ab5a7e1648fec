//! Text that not everybody encodes alike.

use bytes::{BufMut, BytesMut};
use zk_client::ErrorCode;
use zk_proto::message::{GetAclRequest, GetAclResponse, SetAclRequest};
use zk_proto::op::Request;
use zk_proto::{Acl, Encode, OpCode, Permissions, Version, data::Id};
use zk_test_kit::TestServer;
use zk_test_kit::request::create;

zk_test_kit::cases![a_character_above_u_ffff_is_taken_in_utf_8_and_told_in_a_way_that_clients_read,];

/// U+1F600 as everybody writes it.
const UTF_8: &[u8] = "😀".as_bytes();

/// The same as Java writes it: each half of its surrogate pair by itself.
const CESU_8: &[u8] = &[0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80];

/// Paths cannot hold such characters, but the identities of access lists can.
async fn a_character_above_u_ffff_is_taken_in_utf_8_and_told_in_a_way_that_clients_read(
    server: &TestServer,
) {
    let mut raw = server.raw_session().await;
    let path = server.path("/a");
    raw.succeed(&create(&path)).await;
    let id = Id { scheme: Some("digest".into()), id: Some("😀:hash".into()) };
    let mut list = Acl::open();
    list.push(Acl::new(Permissions::READ, id));
    for sent in [UTF_8, CESU_8] {
        let request = SetAclRequest {
            path: path.as_str().into(),
            acl: Some(list.clone()),
            version: Version::ANY,
        };
        let mut body = BytesMut::new();
        request.encode(&mut body);
        let at = find(&body, UTF_8).unwrap();
        let rest = body.split_off(at + UTF_8.len());
        body.truncate(at - 4);
        body.put_i32(i32::try_from(sent.len() + ":hash".len()).unwrap());
        body.put_slice(sent);
        body.put_slice(&rest);
        raw.send_odd(1, OpCode::SetAcl.code(), &body).await;
        assert_eq!(raw.reply().await.unwrap().header.err, ErrorCode::Ok, "{sent:?}");

        let read = Request::GetAcl(GetAclRequest { path: path.as_str().into() });
        let reply = raw.succeed(&read).await;
        let told = reply.decode::<GetAclResponse>().acl;
        // ZooKeeper does not understand what it writes: replacement characters come of it.
        let understood = sent == UTF_8 || !server.is_real();
        assert_eq!(told == list, understood, "{told:?}");
        if understood {
            let written = if server.is_real() { CESU_8 } else { UTF_8 };
            assert!(find(&reply.body, written).is_some(), "{:?}", reply.body);
        }
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

//! What frames about nodes say.

use bytes::Bytes;
use zk_proto::data::Id;
use zk_proto::message::{
    Create2Response, CreateRequest, CreateResponse, CreateTtlRequest, GetAclResponse,
    GetChildren2Response, GetChildrenResponse, GetDataRequest, GetDataResponse, SetAclRequest,
};
use zk_proto::op::{Request, Response};
use zk_proto::{Acl, CreateMode, ErrorCode, Permissions, Version, Zxid};

use super::exchange::{fresh_stat, refusal, reply, stat_of_a, stat_of_a_later, talk};
use super::message::Message;

#[test]
fn creates_carry_data_acl_and_flags() {
    let (request, replies) = talk("create /a \"hi\"");
    let expected = CreateRequest {
        path: "/a".into(),
        data: Some(Bytes::from_static(b"hi")),
        acl: Some(Acl::open()),
        flags: CreateMode::Persistent.flags(),
    };
    assert_eq!(request, Some(Request::Create(expected)));
    let created = CreateResponse { path: "/a".into() };
    assert_eq!(replies, [reply(1, 3, Response::Create(created))]);

    let (request, replies) = talk("create ephemeral sequential");
    let Some(Request::Create(request)) = request else {
        panic!("{request:?}");
    };
    assert_eq!(CreateMode::from_flags(request.flags), Some(CreateMode::EphemeralSequential));
    assert_eq!(request.data, Some(Bytes::new()));
    let path = "/a/s-0000000000".into();
    assert_eq!(replies, [reply(4, 6, Response::Create(CreateResponse { path }))]);
}

#[test]
fn null_data_is_not_empty_data() {
    let (request, replies) = talk("create2 /b null data");
    let Some(Request::Create2(request)) = request else {
        panic!("{request:?}");
    };
    assert_eq!(request.data, None);
    let stat = fresh_stat(4, 0x01a2_039b_2e70);
    let path = "/b".into();
    assert_eq!(replies, [reply(2, 4, Response::Create2(Create2Response { path, stat }))]);
}

#[test]
fn containers_and_nodes_with_a_ttl_answer_with_their_stat() {
    let (request, replies) = talk("createContainer /c");
    assert!(
        matches!(&request, Some(Request::CreateContainer(r)) if r.flags == CreateMode::Container.flags())
    );
    let stat = fresh_stat(7, 0x01a2_039b_2e78);
    let path = "/c".into();
    let created = Response::CreateContainer(Create2Response { path, stat });
    assert_eq!(replies, [reply(5, 7, created)]);

    let (request, replies) = talk("createTTL /t");
    let expected = CreateTtlRequest {
        path: "/t".into(),
        data: Some(Bytes::new()),
        acl: Some(Acl::open()),
        flags: CreateMode::PersistentWithTtl.flags(),
        ttl: 5000,
    };
    assert_eq!(request, Some(Request::CreateTtl(expected)));
    let stat = fresh_stat(8, 0x01a2_039b_2e7f);
    let path = "/t".into();
    let created = Response::CreateTtl(Create2Response { path, stat });
    assert_eq!(replies, [reply(6, 8, created)]);
}

#[test]
fn refusals_have_a_code_and_no_body() {
    for (name, expected) in [
        ("create /a again", refusal(3, 5, ErrorCode::NodeExists)),
        ("exists /none", refusal(8, 8, ErrorCode::NoNode)),
        ("setData /a version 7", refusal(11, 9, ErrorCode::BadVersion)),
        ("removeWatches /a any again", refusal(19, 11, ErrorCode::NoWatcher)),
        ("unknown opcode 55", refusal(1, -1, ErrorCode::Unimplemented)),
        ("auth unknown scheme", refusal(-4, 0, ErrorCode::AuthFailed)),
    ] {
        assert_eq!(talk(name).1, [expected], "{name}");
    }
}

#[test]
fn reads_answer_with_data_children_and_stat() {
    let (request, replies) = talk("getData /a watch");
    let path = "/a".into();
    let expected = GetDataRequest { path, watch: true };
    assert_eq!(request, Some(Request::GetData(expected)));
    let data = GetDataResponse { data: Some(Bytes::from_static(b"hi")), stat: stat_of_a() };
    assert_eq!(replies, [reply(7, 8, Response::GetData(data))]);

    let children =
        GetChildren2Response { children: vec!["s-0000000000".into()], stat: stat_of_a() };
    assert_eq!(talk("getChildren2 /a").1, [reply(9, 8, Response::GetChildren2(children))]);
    let children = GetChildrenResponse {
        children: ["a", "b", "c", "zookeeper", "t"].map(Into::into).to_vec(),
    };
    assert_eq!(talk("getChildren / watch").1, [reply(10, 8, Response::GetChildren(children))]);
}

#[test]
fn acls_come_back_as_they_were_set() {
    let acl = GetAclResponse { acl: Acl::open(), stat: stat_of_a_later() };
    assert_eq!(talk("getACL /a").1, [reply(13, 10, Response::GetAcl(acl))]);

    let (request, replies) = talk("setACL /b");
    let digest = Acl {
        perms: Permissions::READ,
        id: Id { scheme: Some("digest".into()), id: Some("u:h".into()) },
    };
    let expected = SetAclRequest {
        path: "/b".into(),
        acl: Some([Acl::open(), vec![digest]].concat()),
        version: Version(0),
    };
    assert_eq!(request, Some(Request::SetAcl(expected)));
    let [Message::Reply(_, Some(Response::SetAcl(response)))] = &replies[..] else {
        panic!("{replies:?}");
    };
    assert_eq!(response.stat.aversion, Version(1));
    assert_eq!(response.stat.mzxid, Zxid(4));
}

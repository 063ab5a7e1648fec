//! The ensemble as a server that stands alone shows it.

use bytes::Bytes;
use zk_client::{Acl, ErrorCode, Version};
use zk_proto::message::{GetAclRequest, GetAclResponse, GetDataResponse, ReconfigRequest};
use zk_proto::op::Request;
use zk_proto::{OpCode, Permissions, Stat, Zxid};
use zk_test_kit::TestServer;
use zk_test_kit::request::{create, delete, get, ping, set};

zk_test_kit::cases![
    a_reconfig_is_switched_off_and_takes_a_zxid,
    a_reconfig_that_cannot_be_read_takes_none,
    the_configuration_of_a_server_that_stands_alone_is_empty,
];

async fn a_reconfig_is_switched_off_and_takes_a_zxid(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let mut before = raw.succeed(&create(&server.path("/a"))).await.header.zxid;
    for request in [
        ReconfigRequest { cur_config_id: -1, ..ReconfigRequest::default() },
        ReconfigRequest {
            new_members: Some("server.1=localhost:2888:3888;2181".into()),
            cur_config_id: 7,
            ..ReconfigRequest::default()
        },
    ] {
        let reply = raw.ask(1, &Request::Reconfig(request)).await;
        assert_eq!((reply.header.err, reply.body.len()), (ErrorCode::ReconfigDisabled, 0));
        assert!(reply.header.zxid > before);
        before = reply.header.zxid;
    }
    server.assert_serves().await;
}

async fn a_reconfig_that_cannot_be_read_takes_none(server: &TestServer) {
    let mut raw = server.raw_session().await;
    raw.send_odd(1, OpCode::Reconfig.code(), &[0; 5]).await;
    let reply = raw.reply().await.unwrap();
    assert_eq!(reply.header.err, ErrorCode::MarshallingError);
    // The connection goes on.
    raw.succeed(&ping()).await;
}

async fn the_configuration_of_a_server_that_stands_alone_is_empty(server: &TestServer) {
    let mut raw = server.raw_session().await;
    let path = "/zookeeper/config";
    let read: GetDataResponse = raw.succeed(&get(path)).await.decode();
    assert_eq!(read.data, Some(Bytes::new()));
    assert_eq!(read.stat, Stat { aversion: Version(-1), czxid: Zxid(0), ..Stat::default() });
    let acl = Request::GetAcl(GetAclRequest { path: path.into() });
    let acl: GetAclResponse = raw.succeed(&acl).await.decode();
    assert_eq!(acl.acl, [Acl { perms: Permissions::READ, ..Acl::open().remove(0) }]);
    for (request, code) in [
        (set(path, "x"), ErrorCode::NoAuth),
        (create(&format!("{path}/x")), ErrorCode::NoAuth),
        (delete(path), ErrorCode::BadArguments),
    ] {
        assert_eq!(raw.ask(1, &request).await.header.err, code, "{request:?}");
    }
}

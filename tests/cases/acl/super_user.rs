//! The super user, whom every server that the tests start knows by the same password.

use zk_client::ErrorCode;
use zk_proto::Acl;
use zk_test_kit::TestServer;
use zk_test_kit::request::{create, delete, get, multi, multi_check, multi_set, set, watch_data};

use super::{acl_of, auth, code, create_with, everybody, known_as, knows, set_acl_to, who_am_i};

zk_test_kit::cases![
    the_super_user_may_do_everything,
    nobody_else_of_that_name_may,
    the_super_user_hears_of_everything,
    in_a_list_auth_names_the_password_and_not_the_power,
];

const SUPER: &str = "super:admin";

async fn the_super_user_may_do_everything(server: &TestServer) {
    let path = server.path("/a");
    let mut raw = known_as(server, &["bob:secret"]).await;
    let nobodys = vec![everybody(0), knows(1, "owner:secret")];
    raw.succeed(&create_with(&path, nobodys.clone())).await;
    assert_eq!(code(&mut raw, &get(&path)).await, ErrorCode::NoAuth);
    raw.succeed(&auth("digest", SUPER)).await;
    let child = format!("{path}/child");
    assert_eq!(acl_of(&mut raw, &path).await, nobodys);
    for request in [get(&path), set(&path, "new"), create(&child), delete(&child)] {
        raw.succeed(&request).await;
    }
    let reply = raw.succeed(&multi(vec![multi_check(&path, 1), multi_set(&path, "")])).await;
    let results = reply.decode::<zk_proto::message::MultiResponse>().results;
    assert_eq!(results.len(), 2);
    assert!(!matches!(results[0], zk_proto::message::MultiResult::Error(_)), "{results:?}");
    raw.succeed(&set_acl_to(&path, Acl::open())).await;
    assert_eq!(code(&mut server.raw_session().await, &get(&path)).await, ErrorCode::Ok);
}

async fn nobody_else_of_that_name_may(server: &TestServer) {
    let path = server.path("/a");
    known_as(server, &[]).await.succeed(&create_with(&path, vec![everybody(0)])).await;
    let mut raw = known_as(server, &["super:Admin", "super:", "super", "super:admin "]).await;
    assert_eq!(code(&mut raw, &get(&path)).await, ErrorCode::NoAuth);
    assert!(who_am_i(&mut raw).await.iter().all(|(scheme, _)| scheme != "super"));
}

async fn the_super_user_hears_of_everything(server: &TestServer) {
    let path = server.path("/a");
    let mut raw = known_as(server, &[SUPER]).await;
    raw.succeed(&create_with(&path, vec![everybody(2)])).await;
    raw.succeed(&watch_data(&path)).await;
    assert_eq!(raw.caused_by(&set(&path, "new")).await.len(), 1);
}

async fn in_a_list_auth_names_the_password_and_not_the_power(server: &TestServer) {
    let path = server.path("/a");
    let mut raw = known_as(server, &[SUPER]).await;
    raw.succeed(&create_with(&path, Acl::creator_all())).await;
    assert_eq!(acl_of(&mut raw, &path).await, [knows(31, SUPER)]);
}

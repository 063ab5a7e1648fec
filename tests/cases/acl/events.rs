//! Who hears of what happens to a node: those who may read it.

use zk_client::{EventType, Zxid};
use zk_proto::message::SetWatches;
use zk_proto::op::Request;
use zk_test_kit::request::{
    create, delete, get, set, watch_children, watch_data, watch_exists, watch_persistent,
};
use zk_test_kit::{RawConnection, TestServer};

use super::{create_with, everybody, known_as, knows, set_acl_to};

zk_test_kit::cases![
    who_may_not_read_a_node_does_not_hear_of_it_and_has_no_watch_any_more,
    of_children_hears_who_may_read_the_parent,
    of_a_creation_hears_who_may_read_what_was_created,
    what_was_shown_until_the_event_counts,
    a_watch_that_stays_tells_again_once_its_node_may_be_read,
    watches_set_again_tell_what_was_missed_to_everybody,
];

/// An owner and another one.
async fn two(server: &TestServer) -> (RawConnection, RawConnection) {
    (known_as(server, &["owner:secret"]).await, server.raw_session().await)
}

async fn who_may_not_read_a_node_does_not_hear_of_it_and_has_no_watch_any_more(
    server: &TestServer,
) {
    let (mut owner, mut other) = two(server).await;
    let path = server.path("/a");
    owner.succeed(&create(&path)).await;
    owner.succeed(&watch_data(&path)).await;
    other.succeed(&watch_data(&path)).await;
    owner.succeed(&set_acl_to(&path, vec![everybody(30), knows(31, "owner:secret")])).await;
    let told = owner.caused_by(&set(&path, "unseen")).await;
    assert_eq!(told, [(EventType::NodeDataChanged, path.clone())]);
    assert_eq!(other.events().await, []);
    owner.succeed(&set_acl_to(&path, vec![everybody(31)])).await;
    owner.succeed(&set(&path, "seen")).await;
    assert_eq!(other.events().await, []);
    // Its deletion is no different.
    other.succeed(&watch_data(&path)).await;
    owner.succeed(&set_acl_to(&path, vec![everybody(30)])).await;
    owner.succeed(&delete(&path)).await;
    assert_eq!(other.events().await, []);
}

async fn of_children_hears_who_may_read_the_parent(server: &TestServer) {
    let (mut owner, mut other) = two(server).await;
    let path = server.path("/a");
    let child = |name: &str| format!("{path}/{name}");
    let (closed, open) = (vec![everybody(30)], vec![everybody(31)]);
    owner.succeed(&create(&path)).await;
    other.succeed(&watch_children(&path)).await;
    owner.succeed(&create_with(&child("closed"), vec![everybody(0)])).await;
    let expected = [(EventType::NodeChildrenChanged, path.clone())];
    assert_eq!(other.events().await, expected);
    other.succeed(&watch_children(&path)).await;
    owner.succeed(&set_acl_to(&path, closed)).await;
    owner.succeed(&create(&child("open"))).await;
    assert_eq!(other.events().await, []);
    owner.succeed(&set_acl_to(&path, open)).await;
    owner.succeed(&delete(&child("open"))).await;
    assert_eq!(other.events().await, []);
    other.succeed(&watch_children(&path)).await;
    owner.succeed(&delete(&child("closed"))).await;
    assert_eq!(other.events().await, expected);
}

async fn of_a_creation_hears_who_may_read_what_was_created(server: &TestServer) {
    let (mut owner, mut other) = two(server).await;
    for (name, bits, heard) in [("closed", 30, false), ("open", 1, true)] {
        let path = server.path(&format!("/{name}"));
        other.ask(1, &watch_exists(&path)).await;
        owner.succeed(&create_with(&path, vec![everybody(bits)])).await;
        let told = other.events().await;
        assert_eq!(told.len(), usize::from(heard), "{name}");
        if heard {
            assert_eq!(told, [(EventType::NodeCreated, path)]);
        }
    }
}

async fn what_was_shown_until_the_event_counts(server: &TestServer) {
    let (mut owner, mut other) = two(server).await;
    let path = server.path("/a");
    owner.succeed(&create(&path)).await;
    other.succeed(&watch_data(&path)).await;
    owner.succeed(&set_acl_to(&path, vec![knows(31, "owner:secret")])).await;
    other.succeed(&super::auth("digest", "owner:secret")).await;
    owner.succeed(&set(&path, "new")).await;
    assert_eq!(other.events().await, [(EventType::NodeDataChanged, path)]);
}

async fn a_watch_that_stays_tells_again_once_its_node_may_be_read(server: &TestServer) {
    let (mut owner, mut other) = two(server).await;
    let path = server.path("/a");
    owner.succeed(&create(&path)).await;
    other.succeed(&watch_persistent(&path)).await;
    owner.succeed(&set_acl_to(&path, vec![everybody(30)])).await;
    owner.succeed(&set(&path, "unseen")).await;
    assert_eq!(other.events().await, []);
    owner.succeed(&set_acl_to(&path, vec![everybody(31)])).await;
    owner.succeed(&set(&path, "seen")).await;
    assert_eq!(other.events().await, [(EventType::NodeDataChanged, path)]);
}

async fn watches_set_again_tell_what_was_missed_to_everybody(server: &TestServer) {
    let (mut owner, mut other) = two(server).await;
    let path = server.path("/a");
    owner.succeed(&create_with(&path, vec![knows(31, "owner:secret")])).await;
    owner.succeed(&get(&path)).await;
    let again = Request::SetWatches(SetWatches {
        relative_zxid: Zxid(0),
        data_watches: vec![path.as_str().into()],
        exist_watches: vec![path.as_str().into()],
        child_watches: Vec::new(),
    });
    let told = other.caused_by(&again).await;
    let expected = [EventType::NodeDataChanged, EventType::NodeCreated];
    assert_eq!(told, expected.map(|event| (event, path.clone())));
}

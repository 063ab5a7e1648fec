//! Contenders of several identities.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::{Acl, Client, ErrorCode, Id, Permissions};
use zk_recipes::{Janitor, Lock, LockGuard, RecipeError};
use zk_test_kit::TestServer;

use super::{lock, nodes, until_nodes};

zk_test_kit::cases![
    contenders_of_several_identities_take_turns_where_all_may_read,
    a_contender_that_may_not_read_the_one_ahead_fails_and_leaves_no_node,
    a_node_that_its_owner_may_not_read_can_be_held,
    a_parent_that_may_not_be_written_refuses;
];

async fn known_as(server: &TestServer, who: &str) -> Client {
    let client = server.client().await;
    client.add_auth("digest", who.to_owned()).await.unwrap();
    client
}

fn acl(perms: Permissions) -> Vec<Acl> {
    [Acl::creator_all(), vec![Acl::new(perms, Id::ANYONE)]].concat()
}

fn acquiring(lock: Lock) -> tokio::task::JoinHandle<Result<LockGuard, RecipeError>> {
    tokio::spawn(async move { lock.acquire().await })
}

async fn contenders_of_several_identities_take_turns_where_all_may_read(server: &TestServer) {
    let (ada, bob) = (known_as(server, "ada:pw").await, known_as(server, "bob:pw").await);
    let readable = |client: &Client| lock(client).acl(acl(Permissions::READ));
    let held = readable(&ada).acquire().await.unwrap();
    let mut waiter = acquiring(readable(&bob));
    until_nodes(&ada, 2).await;
    assert!(timeout(Duration::from_millis(100), &mut waiter).await.is_err());
    held.release().await.unwrap();
    let held = waiter.await.unwrap().unwrap();
    let (acl_of_node, _) = bob.get_acl(&held.path()).await.unwrap();
    assert_eq!(acl_of_node.len(), 2, "{acl_of_node:?}");
    assert!(acl_of_node.contains(&Acl::new(Permissions::READ, Id::ANYONE)));
    held.release().await.unwrap();
}

async fn a_contender_that_may_not_read_the_one_ahead_fails_and_leaves_no_node(server: &TestServer) {
    let (ada, bob) = (known_as(server, "ada:pw").await, known_as(server, "bob:pw").await);
    let held = lock(&ada).acl(Acl::creator_all()).acquire().await.unwrap();
    let limit = Duration::from_secs(20);
    let refused = timeout(limit, lock(&bob).acquire()).await.expect("it hangs").unwrap_err();
    let RecipeError::Client(refused) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.code(), Some(ErrorCode::NoAuth));
    Janitor::of(&bob).drain().await;
    assert_eq!(ada.children(super::PATH).await.unwrap().len(), 1);
    // To try is another thing: nothing has to be read for that but the list.
    assert_eq!(lock(&bob).try_acquire().await.unwrap_err(), RecipeError::Contended);
    held.verify().await.unwrap();
    held.release().await.unwrap();
    lock(&bob).acquire().await.unwrap().release().await.unwrap();
}

async fn a_node_that_its_owner_may_not_read_can_be_held(server: &TestServer) {
    let (ada, bob) = (known_as(server, "ada:pw").await, server.client().await);
    let first = lock(&bob).acquire().await.unwrap();
    let unreadable = vec![Acl::new(Permissions::DELETE | Permissions::WRITE, Id::ANYONE)];
    let waiter = acquiring(lock(&ada).acl(unreadable));
    while bob.children(super::PATH).await.unwrap().len() != 2 {
        sleep(Duration::from_millis(10)).await;
    }
    first.release().await.unwrap();
    let guard = timeout(Duration::from_secs(20), waiter).await.expect("it hangs").unwrap().unwrap();
    assert!(guard.is_valid());
    guard.release().await.unwrap();
    assert_eq!(nodes(&bob).await, 0);
}

async fn a_parent_that_may_not_be_written_refuses(server: &TestServer) {
    let (ada, bob) = (known_as(server, "ada:pw").await, known_as(server, "bob:pw").await);
    ada.create("/locks", "").await.unwrap();
    ada.create(super::PATH, "").acl(acl(Permissions::READ)).await.unwrap();
    let refused = lock(&bob).acquire().await.unwrap_err();
    let RecipeError::Client(refused) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.code(), Some(ErrorCode::NoAuth));
    lock(&ada).acquire().await.unwrap().release().await.unwrap();
}

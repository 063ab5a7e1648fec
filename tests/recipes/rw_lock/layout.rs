//! What is in the tree.

use std::time::Duration;

use zk_client::{Acl, ErrorCode};
use zk_recipes::{Dialect, Parents, RecipeError, RwLock};
use zk_test_kit::TestServer;

use super::{PATH, lock, reading, until_nodes, writing};

zk_test_kit::cases![
    nodes_are_named_as_curator_and_kazoo_name_them,
    nodes_carry_the_data_that_the_lock_was_made_with,
    nodes_of_others_are_respected_by_kind_and_number,
    contenders_of_one_identity_can_keep_others_out,
    converted_nodes_keep_others_out_as_well,
    parents_can_be_required,
];

async fn nodes_are_named_as_curator_and_kazoo_name_them(server: &TestServer) {
    let client = server.client().await;
    let names = [
        (Dialect::Curator, "/rw/curator", "_c_", "-__READ__", "-__WRIT__"),
        (Dialect::Kazoo, "/rw/kazoo", "", "__rlock__", "__lock__"),
    ];
    for (dialect, path, begins, read, write) in names {
        let lock = RwLock::new(&client, path).unwrap().dialect(dialect);
        let reader = lock.read().await.unwrap();
        let id = if dialect == Dialect::Curator { 36 } else { 32 };
        let name = reader.path();
        let name = name.strip_prefix(path).unwrap().strip_prefix('/').unwrap();
        let rest = name.strip_prefix(begins).unwrap().split_at(id).1;
        assert_eq!(rest, format!("{read}0000000000"));
        reader.release().await.unwrap();
        let writer = lock.write().await.unwrap();
        assert!(writer.path().ends_with(&format!("{write}0000000001")), "{}", writer.path());
        writer.release().await.unwrap();
    }
}

async fn nodes_carry_the_data_that_the_lock_was_made_with(server: &TestServer) {
    let client = server.client().await;
    let mut data = b"mine".to_vec();
    let lock = lock(&client).data(data.clone());
    data[0] = b'd';
    let read = lock.read().await.unwrap();
    let writer = writing(&lock);
    until_nodes(&client, 2).await;
    for contender in lock.contenders().await.unwrap() {
        assert_eq!(contender.data, "mine");
    }
    read.release().await.unwrap();
    writer.await.unwrap().unwrap().release().await.unwrap();
}

async fn nodes_of_others_are_respected_by_kind_and_number(server: &TestServer) {
    let client = server.client().await;
    client.create(PATH, "").with_parents().await.unwrap();
    // What Curator and people leave there: a writer, its read node with the same number, and notes.
    let foreign = |name: &str| format!("{PATH}/{name}");
    let write = foreign("_c_11111111-0000-4000-8000-000000000000-__WRIT__0000000000");
    let read = foreign("_c_22222222-0000-4000-8000-000000000000-__READ__0000000000");
    for path in [&write, &read, &foreign("notes"), &foreign("__lock__0000000000")] {
        client.create(path, "").await.unwrap();
    }
    let reader = reading(&lock(&client));
    until_nodes(&client, 3).await;
    let mut writer = writing(&lock(&client));
    until_nodes(&client, 4).await;
    client.delete(&write).await.unwrap();
    // The other half of a downgrade lets readers in, and no writer.
    reader.await.unwrap().unwrap().release().await.unwrap();
    super::waits(&mut writer).await;
    client.delete(&read).await.unwrap();
    writer.await.unwrap().unwrap().release().await.unwrap();
}

async fn contenders_of_one_identity_can_keep_others_out(server: &TestServer) {
    let (one, two, other) = (server.client().await, server.client().await, server.client().await);
    for client in [&one, &two] {
        client.add_auth("digest", "us:secret").await.unwrap();
    }
    let lock = |client| lock(client).acl(Acl::creator_all());
    let written = lock(&one).write().await.unwrap();
    let reader = reading(&lock(&two));
    while lock(&one).contenders().await.unwrap().len() != 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Anybody may see the names, and nobody else may do anything with the nodes.
    let refused = other.get(&written.path()).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NoAuth));
    written.release().await.unwrap();
    reader.await.unwrap().unwrap().release().await.unwrap();
}

async fn converted_nodes_keep_others_out_as_well(server: &TestServer) {
    let (one, other) = (server.client().await, server.client().await);
    one.add_auth("digest", "us:secret").await.unwrap();
    let written = lock(&one).acl(Acl::creator_all()).write().await.unwrap();
    let read = written.downgrade().await.unwrap();
    assert_eq!(other.get(&read.path()).await.unwrap_err().code(), Some(ErrorCode::NoAuth));
    let written = read.try_upgrade().await.unwrap();
    assert_eq!(other.get(&written.path()).await.unwrap_err().code(), Some(ErrorCode::NoAuth));
    written.verify().await.unwrap();
    written.release().await.unwrap();
}

async fn parents_can_be_required(server: &TestServer) {
    let client = server.client().await;
    let lock = lock(&client).parents(Parents::Required);
    let refused = lock.read().await.unwrap_err();
    let RecipeError::Client(error) = refused else { panic!("{refused:?}") };
    assert_eq!(error.code(), Some(ErrorCode::NoNode));
    client.create(PATH, "").with_parents().await.unwrap();
    lock.write().await.unwrap().release().await.unwrap();
    assert!(client.exists(PATH).await.unwrap().is_some());
}

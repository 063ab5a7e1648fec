//! Sequence numbers at their end.

use tokio::time::timeout;
use zk_recipes::queue::Returned;
use zk_test_kit::TestServer;

use super::{
    LIMIT, PATH, assert_nothing_left, children, put, queue, take, take_and_ack, taking,
    until_children,
};

zk_test_kit::cases![
    ;
    on embedded: [
        items_come_in_order_over_the_end_of_the_counter,
        items_with_one_number_come_in_the_order_of_their_puts,
        a_consumer_that_waits_is_woken_at_the_end_of_the_counter,
        priorities_are_kept_at_the_end_of_the_counter,
    ];
];

fn preset(server: &TestServer, next: i32) {
    let path = server.path(&format!("{PATH}/items"));
    assert!(server.embedded().unwrap().set_child_counter(&path, next));
}

async fn items_come_in_order_over_the_end_of_the_counter(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client);
    put(&queue, &["a"]).await;
    preset(server, i32::MAX - 2);
    put(&queue, &["b", "c"]).await;
    // Those of one transaction run over.
    queue.put_all(&["d", "e", "f"].map(str::to_owned)).await.unwrap();
    let names = children(&client, "items").await;
    assert!(names.iter().any(|name| name.ends_with("-2147483648")), "{names:?}");
    assert_eq!(take_and_ack(&queue, 6).await, ["a", "b", "c", "d", "e", "f"]);
    assert_nothing_left(&client).await;
}

async fn items_with_one_number_come_in_the_order_of_their_puts(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client);
    put(&queue, &["x"]).await;
    take_and_ack(&queue, 1).await;
    preset(server, i32::MAX);
    let items: Vec<String> = (0..20).map(|number| format!("{number:02}")).collect();
    for item in &items {
        queue.put(item).await.unwrap();
    }
    let names = children(&client, "items").await;
    assert!(names.iter().filter(|name| name.ends_with("2147483647")).count() > 1, "{names:?}");
    assert_eq!(queue.peek().await.unwrap().as_deref(), Some("00"));
    // One that is given back keeps its place, as its node does.
    let first = take(&queue).await;
    assert_eq!(first.nack(None).await.unwrap(), Returned::Again);
    assert_eq!(take_and_ack(&queue, 20).await, items);
}

async fn a_consumer_that_waits_is_woken_at_the_end_of_the_counter(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    put(&queue(&other), &["x"]).await;
    take_and_ack(&queue(&other), 1).await;
    preset(server, i32::MAX);
    for item in ["a", "b"] {
        let waiting = taking(&queue(&client));
        until_children(&other, "consumers", 1).await;
        // A watch that is set again misses what was created then: the consumer has to look itself.
        network.refuse("a", true);
        network.cut();
        put(&queue(&other), &[item]).await;
        network.refuse("a", false);
        let delivery = timeout(LIMIT, waiting).await.unwrap().unwrap().unwrap();
        assert_eq!(delivery.item(), item);
        delivery.ack().await.unwrap();
    }
}

async fn priorities_are_kept_at_the_end_of_the_counter(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client).by_priority();
    queue.put(&"b".to_owned(), 5).await.unwrap();
    preset(server, i32::MAX - 1);
    for (item, priority) in [("c", 5), ("d", 5), ("a", -1), ("e", 6)] {
        queue.put(&item.to_owned(), priority).await.unwrap();
    }
    assert_eq!(take_and_ack(&queue, 5).await.concat(), "abcde");
}

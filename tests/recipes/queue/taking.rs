//! Who gets an item, and what that costs.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use zk_client::CreateMode;
use zk_recipes::{Janitor, RecipeError};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{
    LIMIT, PATH, assert_nothing_left, children, put, queue, take, take_and_ack, taking,
    until_children,
};

zk_test_kit::cases![
    a_take_waits_for_a_put,
    a_take_that_is_out_of_time_leaves_nothing,
    an_item_is_taken_with_few_requests,
    one_put_wakes_one_consumer,
    consumers_get_items_in_the_order_in_which_they_came,
    many_consumers_get_each_item_once,
    an_item_that_is_given_back_goes_to_the_one_who_waits,
    a_take_that_is_dropped_at_any_moment_leaves_the_item,
    other_nodes_do_not_disturb,
    deliveries_come_one_after_the_other;
    on embedded: [
        a_consumer_that_waits_survives_the_removal_of_its_containers,
        watches_do_not_pile_up,
    ];
];

async fn a_take_waits_for_a_put(server: &TestServer) {
    let (producer, consumer) = (queue(&server.client().await), queue(&server.client().await));
    let mut waiting = taking(&consumer);
    assert!(timeout(Duration::from_millis(100), &mut waiting).await.is_err());
    put(&producer, &["a"]).await;
    let delivery = waiting.await.unwrap().unwrap();
    assert_eq!((delivery.item().as_str(), delivery.attempts()), ("a", 1));
    assert!(delivery.is_valid());
    delivery.ack().await.unwrap();
    assert_nothing_left(&server.client().await).await;
}

async fn a_take_that_is_out_of_time_leaves_nothing(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let begun = Instant::now();
    let limit = Duration::from_millis(300);
    let refused = queue(&client).take_timeout(limit).await.unwrap_err();
    assert_eq!(refused, RecipeError::Timeout);
    assert!(begun.elapsed() >= limit);
    let refused = queue(&client).take_timeout(Duration::ZERO).await.unwrap_err();
    assert_eq!(refused, RecipeError::Timeout);
    Janitor::of(&client).drain().await;
    assert_nothing_left(&other).await;
}

async fn an_item_is_taken_with_few_requests(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let queue = queue(&client);
    // Parents that do not go while they are empty, as containers might.
    for parent in ["items", "claims", "consumers"] {
        client.create(&format!("{PATH}/{parent}"), "").with_parents().await.unwrap();
    }
    put(&queue, &["a", "b", "c"]).await;
    take_and_ack(&queue, 1).await;
    sleep(Duration::from_millis(50)).await;
    let before = network.counts().requests;
    let delivery = take(&queue).await;
    sleep(Duration::from_millis(50)).await;
    // A place and its line, two listings, the claim and the item; and the watch on the witness. The
    // claim is looked at where a multi does not tell what it has created (ZOOKEEPER-4026).
    let is_told = server.has_change_of(&[(3, 7, 2), (3, 8, 2), (3, 9, 0)]).await;
    assert_eq!(network.counts().requests - before, if is_told { 7 } else { 8 });
    let before = network.counts().requests;
    delivery.ack().await.unwrap();
    assert_eq!(network.counts().requests - before, 1);
}

async fn one_put_wakes_one_consumer(server: &TestServer) {
    let (producer, other) = (queue(&server.client().await), server.client().await);
    let mut consumers = Vec::new();
    for number in 1..=6 {
        let network = server.network();
        let queue = queue(&server.client_on(&network).await);
        consumers.push((network, taking(&queue)));
        until_children(&other, "consumers", number).await;
    }
    sleep(Duration::from_millis(100)).await;
    let events = |consumers: &[(zk_test_kit::Network, _)]| -> Vec<usize> {
        consumers.iter().map(|(network, _)| network.counts().events).collect()
    };
    let requests = |consumers: &[(zk_test_kit::Network, _)]| -> Vec<usize> {
        consumers.iter().map(|(network, _)| network.counts().requests).collect()
    };
    let (events_before, requests_before) = (events(&consumers), requests(&consumers));
    put(&producer, &["a"]).await;
    let delivery = (&mut consumers[0].1).await.unwrap().unwrap();
    sleep(Duration::from_millis(100)).await;
    let (events_after, requests_after) = (events(&consumers), requests(&consumers));
    for number in 1..6 {
        let woken = events_after[number] - events_before[number];
        // The next one in line hears that the first one has gone; the others hear nothing.
        assert_eq!(woken, usize::from(number == 1), "consumer {number}");
        let asked = requests_after[number] - requests_before[number];
        assert!(if number == 1 { asked <= 6 } else { asked == 0 }, "{asked} of {number}");
    }
    assert_eq!(delivery.item(), "a");
    for (_, consumer) in &consumers[1..] {
        assert!(!consumer.is_finished());
        consumer.abort();
    }
    delivery.ack().await.unwrap();
}

async fn consumers_get_items_in_the_order_in_which_they_came(server: &TestServer) {
    let (producer, other) = (queue(&server.client().await), server.client().await);
    let mut consumers = Vec::new();
    for number in 1..=4 {
        consumers.push(taking(&queue(&server.client().await)));
        until_children(&other, "consumers", number).await;
    }
    put(&producer, &["a", "b", "c", "d"]).await;
    for (consumer, item) in consumers.into_iter().zip(["a", "b", "c", "d"]) {
        let delivery = consumer.await.unwrap().unwrap();
        assert_eq!(delivery.item(), item);
        delivery.ack().await.unwrap();
    }
    assert_nothing_left(&other).await;
}

async fn many_consumers_get_each_item_once(server: &TestServer) {
    let mut producers = JoinSet::new();
    for producer in 0..3 {
        let queue = queue(&server.client().await);
        producers.spawn(async move {
            for number in 0..10 {
                queue.put(&format!("{producer}-{number}")).await.unwrap();
            }
            Vec::new()
        });
    }
    for _ in 0..3 {
        let queue = queue(&server.client().await);
        producers.spawn(async move { take_and_ack(&queue, 10).await });
    }
    let mut taken = producers.join_all().await.concat();
    taken.sort();
    let all = (0..3).flat_map(|producer| (0..10).map(move |item| format!("{producer}-{item}")));
    assert_eq!(taken, all.collect::<Vec<_>>());
    assert_nothing_left(&server.client().await).await;
}

async fn an_item_that_is_given_back_goes_to_the_one_who_waits(server: &TestServer) {
    let (first, second) = (queue(&server.client().await), queue(&server.client().await));
    put(&first, &["a"]).await;
    let delivery = take(&first).await;
    let mut waiting = taking(&second);
    assert!(timeout(Duration::from_millis(100), &mut waiting).await.is_err());
    delivery.nack(None).await.unwrap();
    let again = waiting.await.unwrap().unwrap();
    assert_eq!((again.item().as_str(), again.attempts()), ("a", 2));
    again.ack().await.unwrap();
}

async fn a_take_that_is_dropped_at_any_moment_leaves_the_item(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (queue, observer) = (queue(&client), queue(&other));
    put(&observer, &["a"]).await;
    for polls in 0.. {
        let taken = drop_after_polls(queue.take(), polls).await;
        let is_taken = taken.is_some();
        if let Some(delivery) = taken {
            // Those that were given to nobody do not count.
            assert_eq!(delivery.unwrap().attempts(), 1);
        }
        Janitor::of(&client).drain().await;
        assert_eq!(children(&other, "consumers").await, [""; 0], "after {polls} polls");
        let claims = children(&other, "claims").await;
        assert!(claims.iter().all(|name| name.starts_with("_t_")), "{claims:?}");
        assert_eq!(claims.len(), usize::from(is_taken), "after {polls} polls");
        assert_eq!(observer.peek().await.unwrap().as_deref(), Some("a"));
        if is_taken {
            assert!(polls > 3);
            break;
        }
    }
    assert_eq!(take_and_ack(&observer, 1).await, ["a"]);
}

async fn other_nodes_do_not_disturb(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client);
    put(&queue, &["a"]).await;
    let id = "_c_00000000-0000-4000-8000-000000000000";
    for name in ["notes", "queue-0000000000", "qn-0000000000", &format!("{id}-lock-0000000000")] {
        client.create(&format!("{PATH}/items/{name}"), "?").await.unwrap();
    }
    let sequential = format!("{PATH}/items/x-");
    let sequential = client.create(&sequential, "?");
    sequential.mode(CreateMode::PersistentSequential).await.unwrap();
    put(&queue, &["b"]).await;
    assert_eq!(take_and_ack(&queue, 2).await, ["a", "b"]);
    assert!(queue.try_take().await.unwrap().is_none());
    assert_eq!(queue.peek().await.unwrap(), None);
}

async fn deliveries_come_one_after_the_other(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client);
    put(&queue, &["a", "b"]).await;
    let mut deliveries = queue.deliveries();
    for item in ["a", "b"] {
        let delivery = timeout(LIMIT, deliveries.next()).await.unwrap().unwrap();
        assert_eq!(delivery.item(), item);
        delivery.ack().await.unwrap();
    }
    // A call that is given up keeps the place in line, and the next one goes on with it.
    assert!(timeout(Duration::from_millis(100), deliveries.next()).await.is_err());
    assert_eq!(children(&client, "consumers").await.len(), 1);
    put(&queue, &["c"]).await;
    let delivery = timeout(LIMIT, deliveries.next()).await.unwrap().unwrap();
    assert_eq!(delivery.item(), "c");
    delivery.ack().await.unwrap();
    drop(deliveries);
    Janitor::of(&client).drain().await;
    assert_nothing_left(&client).await;
}

/// Curator's take hangs then (CURATOR-308).
async fn a_consumer_that_waits_survives_the_removal_of_its_containers(server: &TestServer) {
    let (client, other) = (queue(&server.client().await), server.client().await);
    put(&client, &["a"]).await;
    take_and_ack(&client, 1).await;
    let waiting = taking(&client);
    until_children(&other, "consumers", 1).await;
    let items = format!("{PATH}/items");
    for _ in 0..3 {
        let made = other.exists(&items).await.unwrap().map(|stat| stat.czxid);
        // By hand, as the server would do it; it is made again, and by nobody but the one who waits.
        let _ = other.delete(&items).await;
        let _ = other.delete(&format!("{PATH}/claims")).await;
        let is_made_again = async {
            loop {
                let stat = other.exists(&items).await.unwrap();
                if stat.is_some_and(|stat| Some(stat.czxid) != made) {
                    break;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(LIMIT, is_made_again).await.unwrap();
    }
    // The server removes the others, too, in its time.
    sleep(Duration::from_secs(2)).await;
    put(&queue(&other), &["b"]).await;
    let delivery = timeout(LIMIT, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(delivery.item(), "b");
    delivery.ack().await.unwrap();
}

async fn watches_do_not_pile_up(server: &TestServer) {
    let embedded = server.embedded().unwrap();
    let (producer, consumer) = (queue(&server.client().await), queue(&server.client().await));
    let mut counts = Vec::new();
    for _ in 0..20 {
        let waiting = taking(&consumer);
        sleep(Duration::from_millis(20)).await;
        put(&producer, &["a"]).await;
        waiting.await.unwrap().unwrap().ack().await.unwrap();
        assert_eq!(
            consumer.take_timeout(Duration::from_millis(10)).await.unwrap_err(),
            RecipeError::Timeout
        );
        sleep(Duration::from_millis(100)).await;
        counts.push((embedded.watch_count(), embedded.node_count()));
    }
    assert_eq!(counts[19].0, 0, "{counts:?}");
    assert!(counts[19].1 <= counts[1].1, "{counts:?}");
}

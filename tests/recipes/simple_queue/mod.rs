//! The queue that other libraries share. The names are those of Curator's tests, where there are some.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use zk_client::{Client, CreateMode};
use zk_recipes::{RecipeError, SimpleQueue};
use zk_test_kit::network::Moment;
use zk_test_kit::{Case, TestServer, drop_after_polls};

pub(crate) fn cases() -> Vec<Case> {
    listed::cases()
}

/// Under the name of the module alone.
mod listed {
    use super::{
        a_delete_whose_reply_is_lost_is_settled_or_told, a_take_waits_for_an_offer,
        a_take_whose_container_is_removed_goes_on, an_empty_queue_has_nothing,
        an_offer_whose_reply_is_lost_is_told, items_come_in_order_over_the_end_of_the_counter,
        items_come_in_the_order_of_their_offers, nodes_of_others_are_items_or_left_alone,
        poll_waits_no_longer_than_it_may, several_take_each_item_once,
        takes_that_are_dropped_lose_one_item_at_most,
    };

    zk_test_kit::cases![
        an_empty_queue_has_nothing,
        items_come_in_the_order_of_their_offers,
        nodes_of_others_are_items_or_left_alone,
        a_take_waits_for_an_offer,
        poll_waits_no_longer_than_it_may,
        several_take_each_item_once,
        an_offer_whose_reply_is_lost_is_told,
        a_delete_whose_reply_is_lost_is_settled_or_told,
        takes_that_are_dropped_lose_one_item_at_most;
        on embedded: [
            a_take_whose_container_is_removed_goes_on,
            items_come_in_order_over_the_end_of_the_counter,
        ];
    ];
}

const PATH: &str = "/simple/queue";
const LIMIT: Duration = Duration::from_secs(30);

fn queue(client: &Client) -> SimpleQueue {
    SimpleQueue::new(client, PATH).unwrap()
}

async fn offer(queue: &SimpleQueue, items: &[&'static str]) {
    for item in items {
        queue.offer(*item).await.unwrap();
    }
}

fn taking(queue: &SimpleQueue) -> JoinHandle<Result<bytes::Bytes, RecipeError>> {
    let queue = queue.clone();
    tokio::spawn(async move { queue.take().await })
}

async fn an_empty_queue_has_nothing(server: &TestServer) {
    let queue = queue(&server.client().await);
    assert_eq!(queue.peek().await.unwrap(), None);
    assert_eq!(queue.poll().await.unwrap(), None);
    assert_eq!(queue.poll_timeout(Duration::ZERO).await.unwrap(), None);
    assert!(queue.is_empty().await.unwrap());
    offer(&queue, &["a"]).await;
    assert_eq!(queue.poll().await.unwrap().unwrap(), "a");
    assert_eq!(queue.peek().await.unwrap(), None);
    assert_eq!(queue.poll().await.unwrap(), None);
    for path in ["", "queue", "/a//b"] {
        assert!(SimpleQueue::new(&server.client().await, path).is_err());
    }
}

async fn items_come_in_the_order_of_their_offers(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client);
    offer(&queue, &["a", "b", "", "d"]).await;
    assert_eq!(queue.len().await.unwrap(), 4);
    for item in ["a", "b"] {
        assert_eq!(queue.peek().await.unwrap().unwrap(), item);
        assert_eq!(queue.poll().await.unwrap().unwrap(), item);
    }
    for item in ["", "d"] {
        assert_eq!(queue.take().await.unwrap(), item);
    }
    assert!(queue.is_empty().await.unwrap());
}

async fn nodes_of_others_are_items_or_left_alone(server: &TestServer) {
    let client = server.client().await;
    let queue = queue(&client);
    offer(&queue, &["a"]).await;
    // As ZooKeeper's recipes and Curator make them.
    let theirs = format!("{PATH}/qn-");
    let theirs = client.create(&theirs, "b");
    theirs.mode(CreateMode::PersistentSequential).await.unwrap();
    for name in ["qn-", "qn-7", "x-qn-0000000000", "queue-0000000000", "notes"] {
        client.create(&format!("{PATH}/{name}"), "?").await.unwrap();
    }
    assert_eq!(queue.take().await.unwrap(), "a");
    assert_eq!(queue.take().await.unwrap(), "b");
    assert_eq!(queue.poll().await.unwrap(), None);
    assert_eq!(client.children(PATH).await.unwrap().len(), 5);
}

async fn a_take_waits_for_an_offer(server: &TestServer) {
    let (producer, consumer) = (queue(&server.client().await), queue(&server.client().await));
    for item in ["a", "b"] {
        let mut waiting = taking(&consumer);
        assert!(timeout(Duration::from_millis(100), &mut waiting).await.is_err());
        offer(&producer, &[item]).await;
        assert_eq!(timeout(LIMIT, waiting).await.unwrap().unwrap().unwrap(), item);
    }
}

async fn poll_waits_no_longer_than_it_may(server: &TestServer) {
    let (producer, consumer) = (queue(&server.client().await), queue(&server.client().await));
    let begun = Instant::now();
    let limit = Duration::from_millis(300);
    assert_eq!(consumer.poll_timeout(limit).await.unwrap(), None);
    assert!(begun.elapsed() >= limit);
    let offers = async {
        sleep(Duration::from_millis(100)).await;
        offer(&producer, &["a"]).await;
    };
    let (polled, ()) = tokio::join!(consumer.poll_timeout(LIMIT), offers);
    assert_eq!(polled.unwrap().unwrap(), "a");
    // What is there is taken, however short the time.
    offer(&producer, &["b"]).await;
    assert_eq!(consumer.poll_timeout(Duration::ZERO).await.unwrap().unwrap(), "b");
}

async fn several_take_each_item_once(server: &TestServer) {
    let producer = queue(&server.client().await);
    let mut consumers = Vec::new();
    for _ in 0..4 {
        let queue = queue(&server.client().await);
        consumers.push(tokio::spawn(async move {
            let mut taken = Vec::new();
            for _ in 0..5 {
                taken.push(queue.take().await.unwrap());
            }
            taken
        }));
    }
    for number in 10..30 {
        producer.offer(number.to_string()).await.unwrap();
    }
    let mut all = Vec::new();
    for consumer in consumers {
        all.extend(timeout(LIMIT, consumer).await.unwrap().unwrap());
    }
    all.sort();
    assert_eq!(all, (10..30).map(|number| number.to_string()).collect::<Vec<_>>());
}

async fn an_offer_whose_reply_is_lost_is_told(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, queue(&server.client().await));
    offer(&other, &["a"]).await;
    network.cut_at_request(0, Moment::BeforeReply);
    let told = queue(&client).offer("b").await.unwrap_err();
    assert!(told.outcome_unknown(), "{told:?}");
    assert_eq!(other.len().await.unwrap(), 2);
}

async fn a_delete_whose_reply_is_lost_is_settled_or_told(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, queue(&server.client().await));
    let consumer = queue(&client);
    for (moment, is_done) in [(Moment::BeforeSending, false), (Moment::BeforeReply, true)] {
        offer(&other, &["a", "b"]).await;
        // Behind the listing and the data.
        network.cut_at_request(2, moment);
        let polled = consumer.poll().await;
        assert!(!network.is_cut_pending());
        if is_done {
            let told = polled.unwrap_err();
            assert!(told.outcome_unknown(), "{told:?}");
        } else {
            // It is still there, so nobody has it.
            let got = match polled {
                Err(error) if error.outcome_unknown() => panic!("{error:?}"),
                Err(_) => consumer.poll().await.unwrap(),
                Ok(got) => got,
            };
            assert_eq!(got.unwrap(), "a");
        }
        assert_eq!(consumer.take().await.unwrap(), "b");
        assert!(other.is_empty().await.unwrap());
    }
}

async fn takes_that_are_dropped_lose_one_item_at_most(server: &TestServer) {
    let (client, other) = (server.client().await, queue(&server.client().await));
    let consumer = queue(&client);
    for polls in 0.. {
        offer(&other, &["a", "b"]).await;
        let taken = drop_after_polls(consumer.take(), polls).await;
        client.sync("/").await.unwrap();
        let left = other.len().await.unwrap();
        assert!(left == 2 || left == 1, "{left} after {polls} polls");
        assert!(taken.is_none() || left == 1);
        while other.poll().await.unwrap().is_some() {}
        if taken.is_some() {
            assert!(polls > 1);
            break;
        }
    }
}

/// Curator's testHangFromContainerLoss (CURATOR-308).
async fn a_take_whose_container_is_removed_goes_on(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let consumer = queue(&client);
    offer(&consumer, &["a"]).await;
    consumer.take().await.unwrap();
    let waiting = taking(&consumer);
    for _ in 0..3 {
        sleep(Duration::from_millis(100)).await;
        let made = other.exists(PATH).await.unwrap().map(|stat| stat.czxid);
        other.delete(PATH).await.unwrap();
        let is_made_again = async {
            while other.exists(PATH).await.unwrap().map(|stat| stat.czxid) == made {
                sleep(Duration::from_millis(10)).await;
            }
            other.wait_until_exists(PATH).await.unwrap();
        };
        timeout(LIMIT, is_made_again).await.unwrap();
    }
    offer(&queue(&other), &["b"]).await;
    assert_eq!(timeout(LIMIT, waiting).await.unwrap().unwrap().unwrap(), "b");
}

async fn items_come_in_order_over_the_end_of_the_counter(server: &TestServer) {
    let queue = queue(&server.client().await);
    offer(&queue, &["a"]).await;
    let path = server.path(PATH);
    assert!(server.embedded().unwrap().set_child_counter(&path, i32::MAX - 1));
    offer(&queue, &["b", "c"]).await;
    // The counter sticks, and the name is taken as long as that item is there.
    let refused = queue.offer("x").await.unwrap_err();
    assert!(matches!(refused, RecipeError::SequenceExhausted { .. }), "{refused:?}");
    assert!(server.embedded().unwrap().set_child_counter(&path, i32::MIN));
    offer(&queue, &["e", "f"]).await;
    for item in ["a", "b", "c", "e", "f"] {
        assert_eq!(queue.poll().await.unwrap().unwrap(), item);
    }
}

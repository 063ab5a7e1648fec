//! What becomes of an item that somebody has.

use std::time::Duration;

use tokio::time::Instant;
use zk_client::Version;
use zk_recipes::queue::{ItemId, Returned};
use zk_recipes::{Janitor, LostReason, Ownership, RecipeError};
use zk_test_kit::TestServer;

use super::{PATH, assert_nothing_left, children, put, queue, take, take_and_ack, time_of_day};

zk_test_kit::cases![
    an_item_stays_until_it_is_acknowledged,
    who_waits_for_the_loss_is_told_of_the_ack,
    an_item_that_is_given_back_keeps_its_place,
    an_item_that_is_requeued_goes_to_the_tail_with_its_id_and_a_name_of_the_same_length,
    an_item_that_is_put_off_comes_again_in_its_place_and_not_before_its_time,
    a_dropped_delivery_gives_the_item_back,
    an_item_that_somebody_has_cannot_be_removed,
    what_is_written_with_the_item_is_refused_when_it_is_lost,
    an_item_that_was_deleted_by_hand_is_not_acknowledged,
];

async fn an_item_stays_until_it_is_acknowledged(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (first, second) = (queue(&client), queue(&other));
    put(&first, &["a", "b"]).await;
    let a = take(&first).await;
    assert_eq!(second.len().await.unwrap(), 2);
    let b = take(&second).await;
    assert_eq!((a.item().as_str(), b.item().as_str()), ("a", "b"));
    assert!(second.try_take().await.unwrap().is_none());
    assert_eq!(second.peek().await.unwrap(), None);
    assert!(b.token() > a.token());
    a.ack().await.unwrap();
    b.ack().await.unwrap();
    assert_nothing_left(&other).await;
}

async fn who_waits_for_the_loss_is_told_of_the_ack(server: &TestServer) {
    let queue = queue(&server.client().await);
    put(&queue, &["a"]).await;
    let delivery = take(&queue).await;
    let lost = delivery.lost();
    delivery.verify().await.unwrap();
    delivery.ack().await.unwrap();
    // Also when the deletion of the witness is told before the reply comes.
    assert_eq!(lost.await, LostReason::Released);
}

async fn an_item_that_is_given_back_keeps_its_place(server: &TestServer) {
    let queue = queue(&server.client().await);
    put(&queue, &["a", "b"]).await;
    for attempt in 1..=3 {
        let delivery = take(&queue).await;
        assert_eq!((delivery.item().as_str(), delivery.attempts()), ("a", attempt));
        assert_eq!(delivery.nack(None).await.unwrap(), Returned::Again);
    }
    assert_eq!(take_and_ack(&queue, 2).await, ["a", "b"]);
}

/// With Curator the name grows each time (CURATOR-56), or the id is lost (CURATOR-224).
async fn an_item_that_is_requeued_goes_to_the_tail_with_its_id_and_a_name_of_the_same_length(
    server: &TestServer,
) {
    let client = server.client().await;
    let queue = queue(&client);
    put(&queue, &["a", "b"]).await;
    let length = children(&client, "items").await[0].len();
    let mut id = None;
    for (attempt, item) in [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "a")] {
        let delivery = take(&queue).await;
        assert_eq!((delivery.item().as_str(), delivery.attempts()), (item, attempt));
        if item == "a" {
            assert!(id.is_none_or(|id| id == delivery.id()));
            id = Some(delivery.id());
        }
        assert_eq!(delivery.requeue().await.unwrap(), Returned::Again);
        let names = children(&client, "items").await;
        assert_eq!(names.len(), 2);
        assert!(names.iter().all(|name| name.len() == length), "{names:?}");
    }
    assert!(queue.remove(&id.unwrap()).await.unwrap());
    assert_eq!(take_and_ack(&queue, 1).await, ["b"]);
    assert_nothing_left(&client).await;
}

async fn an_item_that_is_put_off_comes_again_in_its_place_and_not_before_its_time(
    server: &TestServer,
) {
    let queue = queue(&server.client().await).clock(time_of_day());
    put(&queue, &["a", "b", "c"]).await;
    let delay = Duration::from_secs(1);
    let begun = Instant::now();
    let a = take(&queue).await;
    let id = a.id();
    assert_eq!(a.nack(Some(delay)).await.unwrap(), Returned::Again);
    assert_eq!(take_and_ack(&queue, 1).await, ["b"]);
    let c = take(&queue).await;
    assert_eq!(c.item(), "c");
    let again = take(&queue).await;
    assert!(begun.elapsed() >= delay, "{:?}", begun.elapsed());
    assert_eq!((again.item().as_str(), again.id(), again.attempts()), ("a", id, 2));
    // Both are back, and each where it was.
    again.nack(None).await.unwrap();
    c.nack(None).await.unwrap();
    assert_eq!(take_and_ack(&queue, 2).await, ["a", "c"]);
}

async fn a_dropped_delivery_gives_the_item_back(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let (first, second) = (queue(&client), queue(&other));
    put(&first, &["a"]).await;
    let delivery = take(&first).await;
    drop(delivery);
    let again = take(&second).await;
    assert_eq!((again.item().as_str(), again.attempts()), ("a", 2));
    again.ack().await.unwrap();
    Janitor::of(&client).drain().await;
    assert_nothing_left(&other).await;
}

async fn an_item_that_somebody_has_cannot_be_removed(server: &TestServer) {
    let (first, second) = (queue(&server.client().await), queue(&server.client().await));
    let text = "a".to_owned();
    let id = first.put(&text).await.unwrap();
    put(&first, &["b"]).await;
    let delivery = take(&second).await;
    assert_eq!(first.remove(&id).await.unwrap_err(), RecipeError::Contended);
    delivery.nack(None).await.unwrap();
    let by_text: ItemId = id.to_string().parse().unwrap();
    assert!(first.remove(&by_text).await.unwrap());
    assert!(!first.remove(&id).await.unwrap());
    assert_eq!(take_and_ack(&second, 1).await, ["b"]);
    assert_nothing_left(&server.client().await).await;
}

async fn what_is_written_with_the_item_is_refused_when_it_is_lost(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let queue = queue(&client);
    client.create("/sum", "0").await.unwrap();
    put(&queue, &["a"]).await;
    let delivery = take(&queue).await;
    delivery.multi().set("/sum", "1", Version::ANY).commit().await.unwrap();
    other.delete(&delivery.path()).await.unwrap();
    let refused = delivery.multi().set("/sum", "2", Version::ANY).commit().await.unwrap_err();
    assert_eq!(refused, RecipeError::Lost(LostReason::NodeDeleted));
    assert_eq!(other.get("/sum").await.unwrap().0, "1");
    assert!(matches!(delivery.ownership(), Ownership::Lost(_)));
    assert_eq!(delivery.nack(None).await.unwrap(), Returned::AlreadyLost);
    assert_eq!(queue.len().await.unwrap(), 1);
}

async fn an_item_that_was_deleted_by_hand_is_not_acknowledged(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let queue = queue(&client);
    put(&queue, &["a"]).await;
    let delivery = take(&queue).await;
    let item = children(&other, "items").await.remove(0);
    other.delete(&format!("{PATH}/items/{item}")).await.unwrap();
    let refused = delivery.ack().await.unwrap_err();
    assert_eq!(refused, RecipeError::Lost(LostReason::NodeDeleted));
    Janitor::of(&client).drain().await;
    let claims = children(&other, "claims").await;
    assert!(claims.iter().all(|name| name.starts_with("_t_")), "{claims:?}");
}

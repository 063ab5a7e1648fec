//! Clean-up of several steps, which a janitor does in the background.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use zk_client::{Client, CreateMode, ErrorCode, ExpiryPolicy, Janitor, Version};
use zk_test_kit::TestServer;
use zk_test_kit::network::Moment;

zk_test_kit::cases![
    an_errand_is_done_in_the_background,
    an_errand_is_begun_anew_until_its_outcome_is_known,
    an_errand_that_is_refused_is_given_up,
    an_errand_of_an_expired_session_is_given_up_where_it_was_bound_to_it,
    deletions_come_behind_an_errand,
    a_protected_node_has_the_prefix_that_its_caller_gives_it;
    on embedded: [an_errand_keeps_the_session_no_longer_than_it_takes];
];

/// Deletes two nodes together; counts how often it has begun.
fn delete_both(client: &Client, begun: &Arc<AtomicUsize>) {
    let begun = Arc::clone(begun);
    Janitor::of(client)
        .errand(move |client| {
            begun.fetch_add(1, Ordering::SeqCst);
            async move {
                let both = client.multi().delete("/a", Version::ANY).delete("/b", Version::ANY);
                both.commit().await.map(|_| ())
            }
        })
        .unwrap();
}

async fn create_both(client: &Client) {
    client.create("/a", "").await.unwrap();
    client.create("/b", "").await.unwrap();
}

async fn an_errand_is_done_in_the_background(server: &TestServer) {
    let (client, begun) = (server.client().await, Arc::default());
    create_both(&client).await;
    delete_both(&client, &begun);
    assert_eq!(Janitor::of(&client).pending(), 1);
    Janitor::of(&client).drain().await;
    assert_eq!(Janitor::of(&client).pending(), 0);
    assert_eq!(client.exists("/a").await.unwrap(), None);
    assert_eq!(begun.load(Ordering::SeqCst), 1);
}

async fn an_errand_is_begun_anew_until_its_outcome_is_known(server: &TestServer) {
    for moment in Moment::ALL {
        let network = server.network();
        let (client, begun) = (server.client_on(&network).await, Arc::default());
        create_both(&client).await;
        network.cut_at_request(0, moment);
        delete_both(&client, &begun);
        Janitor::of(&client).drain().await;
        assert_eq!(client.exists("/a").await.unwrap(), None);
        assert_eq!(client.exists("/b").await.unwrap(), None);
        let times = if moment == Moment::AfterReply { 1 } else { 2 };
        assert_eq!(begun.load(Ordering::SeqCst), times, "{moment:?}");
    }
}

async fn an_errand_that_is_refused_is_given_up(server: &TestServer) {
    let (client, begun) = (server.client().await, Arc::default());
    client.create("/a", "").await.unwrap();
    client.create("/a/child", "").await.unwrap();
    client.create("/b", "").await.unwrap();
    delete_both(&client, &begun);
    Janitor::of(&client).drain().await;
    assert_eq!(begun.load(Ordering::SeqCst), 1);
    assert!(client.exists("/b").await.unwrap().is_some());
}

async fn an_errand_of_an_expired_session_is_given_up_where_it_was_bound_to_it(server: &TestServer) {
    let network = server.network();
    let builder = server.builder(&network).on_expiry(ExpiryPolicy::NewSession);
    let (client, other) = (builder.connect().await.unwrap(), server.client().await);
    let (begun, begun_bound) = (Arc::default(), Arc::default());
    create_both(&client).await;
    let mark = client.create("/mark", "").mode(CreateMode::Ephemeral).await.unwrap();
    let bound = client.bound_to_session();
    network.silence(true);
    delete_both(&bound, &begun_bound);
    other.wait_until_absent(&mark.path).await.unwrap();
    network.silence(false);
    Janitor::of(&client).drain().await;
    assert!(other.exists("/a").await.unwrap().is_some());
    delete_both(&client, &begun);
    Janitor::of(&client).drain().await;
    assert_eq!(other.exists("/a").await.unwrap(), None);
}

async fn deletions_come_behind_an_errand(server: &TestServer) {
    let client = server.client().await;
    create_both(&client).await;
    let janitor = Janitor::of(&client);
    let slow = |client: Client| async move {
        sleep(Duration::from_millis(50)).await;
        match client.delete("/a").await {
            Err(error) if error.code() == Some(ErrorCode::NoNode) => Ok(()),
            deleted => deleted,
        }
    };
    janitor.errand(slow).unwrap();
    sleep(Duration::from_millis(10)).await;
    janitor.delete("/b").unwrap();
    janitor.drain().await;
    assert_eq!(client.children("/").await.unwrap(), [""; 0]);
}

async fn a_protected_node_has_the_prefix_that_its_caller_gives_it(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    // The reply to the create is lost, and the node found by its prefix.
    network.cut_at_request(0, Moment::BeforeReply);
    let create = client.create("/__lock__", "").mode(CreateMode::EphemeralSequential);
    let created = create.protected_as("abc").await.unwrap();
    assert!(created.path.starts_with("/abc__lock__00"), "{}", created.path);
    assert_eq!(client.children("/").await.unwrap().len(), 1);
}

async fn an_errand_keeps_the_session_no_longer_than_it_takes(server: &TestServer) {
    let (client, begun) = (server.client().await, Arc::default());
    let id = client.session_id();
    create_both(&client).await;
    delete_both(&client, &begun);
    Janitor::of(&client).drain().await;
    drop(client);
    sleep(Duration::from_millis(500)).await;
    assert!(!server.embedded().unwrap().expire_session(id), "the session was still there");
}

//! Leaders before that are fenced.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use zk_client::Client;
use zk_recipes::election::{Breadcrumb, Candidate, Election, LeftReason, Role};
use zk_recipes::{LostReason, SuspendPolicy};
use zk_test_kit::TestServer;
use zk_test_kit::network::Moment;

use super::{
    PATH, ids, is_leader, joined, leading, renewing, until_follower, until_ids, until_role,
};

zk_test_kit::cases![
    a_leader_that_says_goodbye_is_not_fenced,
    a_leader_that_is_killed_is_fenced_before_the_next_one_begins,
    a_leader_that_panics_is_fenced,
    a_leader_that_does_not_finish_in_time_is_fenced,
    a_leader_that_cannot_fence_steps_back,
    a_callback_that_panics_ends_its_candidate,
    a_place_lost_while_fencing_is_not_led_from,
    data_of_others_is_fenced_as_well,
    a_breadcrumb_is_there_while_somebody_leads,
    a_connection_cut_at_any_request_leaves_the_right_breadcrumb,
    leaving_while_fencing_drops_the_callback;
];

const CRUMB: &str = "/elections/a/_breadcrumb";

type Fenced = Arc<Mutex<Vec<Breadcrumb>>>;

/// Keeps a book of whom it has fenced.
fn election(client: &Client, id: &str, fenced: &Fenced) -> Election {
    let fenced = Arc::clone(fenced);
    super::election(client, id).payload(format!("host-{id}")).fence_previous(move |crumb| {
        fenced.lock().unwrap().push(crumb);
        async { Ok::<(), String>(()) }
    })
}

fn names(fenced: &Fenced) -> Vec<String> {
    fenced.lock().unwrap().iter().map(|crumb| crumb.id.clone()).collect()
}

async fn a_leader_that_says_goodbye_is_not_fenced(server: &TestServer) {
    let (client, fenced) = (server.client().await, Fenced::default());
    let (mut a, leadership) = leading(&election(&client, "a", &fenced)).await;
    let mut b = joined(&election(&client, "b", &fenced)).await;
    leadership.step_down().await.unwrap();
    let leadership = b.leadership().await.unwrap();
    until_ids(&client, &["b", "a"]).await;
    // As good: it is dropped, and the work with it.
    drop(leadership);
    let leadership = a.leadership().await.unwrap();
    drop(leadership);
    a.leave(Default::default()).await.unwrap();
    drop(b.leadership().await.unwrap());
    b.leave(Default::default()).await.unwrap();
    assert_eq!(names(&fenced), [""; 0]);
    assert!(client.exists(CRUMB).await.unwrap().is_none());
}

async fn a_leader_that_is_killed_is_fenced_before_the_next_one_begins(server: &TestServer) {
    let network = server.network();
    let (client, other) = (server.client_on(&network).await, server.client().await);
    let fenced = Fenced::default();
    let (_a, leadership) = leading(&election(&client, "a", &fenced)).await;
    let began = Arc::new(Mutex::new(None));
    let (seen, takes) = (Arc::clone(&began), Duration::from_millis(700));
    let slow = super::election(&other, "b").fence_previous(move |crumb| {
        let seen = Arc::clone(&seen);
        async move {
            seen.lock().unwrap().replace((Instant::now(), crumb));
            sleep(takes).await;
            Ok::<(), String>(())
        }
    });
    let mut b = joined(&slow).await;
    network.silence(true);
    let next = b.leadership().await.unwrap();
    let (at, crumb) = began.lock().unwrap().take().unwrap();
    assert!(at.elapsed() >= takes, "announced before the other one was fenced");
    assert_eq!((crumb.id.as_str(), &crumb.payload[..]), ("a", &b"host-a"[..]));
    assert_eq!(crumb.term, Some(leadership.term()));
    assert!(next.term() > leadership.term());
}

async fn a_leader_that_panics_is_fenced(server: &TestServer) {
    let (client, fenced) = (server.client().await, Fenced::default());
    let (a, leadership) = leading(&election(&client, "a", &fenced)).await;
    let b = joined(&election(&client, "b", &fenced)).await;
    let work = tokio::spawn(async move {
        let _leadership = leadership;
        panic!("half done");
    });
    assert!(work.await.unwrap_err().is_panic());
    until_role(&b, is_leader).await;
    assert_eq!(names(&fenced), ["a"]);
    until_follower(&a).await;
}

async fn a_leader_that_does_not_finish_in_time_is_fenced(server: &TestServer) {
    let (client, fenced) = (server.client().await, Fenced::default());
    let grace = Duration::from_millis(50);
    let (a, leadership) = leading(&election(&client, "a", &fenced).grace(grace)).await;
    let b = joined(&election(&client, "b", &fenced)).await;
    a.leave(Default::default()).await.unwrap();
    until_role(&b, is_leader).await;
    assert_eq!(names(&fenced), ["a"]);
    drop(leadership);
}

async fn a_leader_that_cannot_fence_steps_back(server: &TestServer) {
    let (client, fenced) = (server.client().await, Fenced::default());
    client.create(CRUMB, "1\nold\nhost-old").with_parents().await.unwrap();
    let attempts = Arc::new(Mutex::new(0));
    let count = Arc::clone(&attempts);
    let unable = super::election(&client, "a").fence_previous(move |_| {
        *count.lock().unwrap() += 1;
        async { Err::<(), _>("the fence is out of reach") }
    });
    let a = unable.join();
    let seen = super::history(&a);
    while *attempts.lock().unwrap() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let b = joined(&election(&client, "b", &fenced)).await;
    // Somebody else can.
    until_role(&b, is_leader).await;
    assert_eq!(names(&fenced), ["old"]);
    assert_eq!(*attempts.lock().unwrap(), 1);
    // It comes again, at the tail, and is as unable as before with what it finds.
    until_ids(&client, &["b", "a"]).await;
    b.leave(Default::default()).await.unwrap();
    until_role(&a, is_leader).await;
    a.leave(Default::default()).await.unwrap();
    let seen = seen.await.unwrap();
    assert!(seen.iter().filter(|role| is_leader(role)).count() <= 1, "{seen:?}");
    // The one before it had said goodbye.
    assert_eq!(*attempts.lock().unwrap(), 1);
}

async fn a_callback_that_panics_ends_its_candidate(server: &TestServer) {
    let (client, fenced) = (server.client().await, Fenced::default());
    client.create(CRUMB, "1\nold").with_parents().await.unwrap();
    let panicking = super::election(&client, "a").fence_previous(|crumb| async move {
        panic!("cannot fence {crumb:?}") as Result<(), String>
    });
    let mut a = panicking.join();
    a.leadership().await.unwrap_err();
    until_role(&a, |role| *role == Role::Left(LeftReason::Panicked)).await;
    let b = election(&client, "b", &fenced).join();
    until_role(&b, is_leader).await;
    until_ids(&client, &["b"]).await;
    a.leave(Default::default()).await.unwrap();
}

async fn a_place_lost_while_fencing_is_not_led_from(server: &TestServer) {
    let (client, fenced) = (server.client().await, Fenced::default());
    client.create(CRUMB, "1\nold").with_parents().await.unwrap();
    let stuck = super::election(&client, "a")
        .fence_previous(|_| std::future::pending::<Result<(), String>>());
    let a = stuck.join();
    let seen = super::history(&a);
    until_ids(&client, &["a"]).await;
    let b = joined(&election(&client, "b", &fenced)).await;
    sleep(Duration::from_millis(200)).await;
    let first = super::election(&client, "").leader().await.unwrap().unwrap();
    client.delete(&first.path).await.unwrap();
    until_role(&b, is_leader).await;
    until_ids(&client, &["b", "a"]).await;
    a.leave(Default::default()).await.unwrap();
    assert!(!seen.await.unwrap().iter().any(is_leader));
}

async fn data_of_others_is_fenced_as_well(server: &TestServer) {
    let (client, fenced) = (server.client().await, Fenced::default());
    client.create(CRUMB, "nn1.example.org\n8020").with_parents().await.unwrap();
    drop(leading(&election(&client, "a", &fenced)).await);
    let crumb = fenced.lock().unwrap().remove(0);
    assert_eq!((crumb.id.as_str(), crumb.term), ("nn1.example.org", None));
    assert_eq!(crumb.payload, "8020");
}

async fn a_breadcrumb_is_there_while_somebody_leads(server: &TestServer) {
    let (client, fenced) = (server.client().await, Fenced::default());
    let (_a, leadership) = leading(&election(&client, "a", &fenced)).await;
    let expected = format!("{}\na\nhost-a", leadership.term());
    assert_eq!(client.get(CRUMB).await.unwrap().0, expected);
    assert_eq!(ids(&client).await, ["a"]);
    client.delete(&leadership.path()).await.unwrap();
    assert_eq!(leadership.lost().await, LostReason::NodeDeleted);
    assert_eq!(client.get(CRUMB).await.unwrap().0, expected);
    assert!(PATH.len() < CRUMB.len());
}

async fn a_connection_cut_at_any_request_leaves_the_right_breadcrumb(server: &TestServer) {
    let other = server.client().await;
    for moment in Moment::ALL {
        for skip in 0..9 {
            let (network, fenced) = (server.network(), Fenced::default());
            let client = renewing(server, &network).await;
            let election = election(&client, "a", &fenced).on_suspend(SuspendPolicy::Session);
            network.cut_at_request(skip, moment);
            let (a, leadership): (Candidate, _) = leading(&election).await;
            let term = leadership.term();
            assert_eq!(other.get(CRUMB).await.unwrap().0, format!("{term}\na\nhost-a"));
            assert_eq!(names(&fenced), [""; 0], "cut {moment:?} after {skip} requests");
            drop(leadership);
            a.leave(Default::default()).await.unwrap();
            // A goodbye that did not get through leaves it, which costs a fencing.
            let _ = other.delete(CRUMB).await;
            until_ids(&other, &[]).await;
        }
    }
}

async fn leaving_while_fencing_drops_the_callback(server: &TestServer) {
    let client = server.client().await;
    client.create(CRUMB, "1\nold").with_parents().await.unwrap();
    let alive = Arc::new(());
    let watched = Arc::downgrade(&alive);
    let alive = Mutex::new(Some(alive));
    let stuck = super::election(&client, "a").fence_previous(move |_| {
        let alive = alive.lock().unwrap().take();
        async move {
            let _alive = alive;
            std::future::pending::<Result<(), String>>().await
        }
    });
    let a = stuck.join();
    until_ids(&client, &["a"]).await;
    sleep(Duration::from_millis(200)).await;
    assert!(watched.upgrade().is_some());
    a.leave(Default::default()).await.unwrap();
    assert!(watched.upgrade().is_none());
    assert_eq!(ids(&client).await, [""; 0]);
    // Nobody was fenced.
    assert_eq!(client.get(CRUMB).await.unwrap().0, "1\nold");
}

//! What calls leave behind that are dropped after any number of polls: what their pages say, no
//! request under way, no room taken, no watch.

use zk_client::{Client, CreateMode, ErrorCode, Janitor, Stat, Version};
use zk_test_kit::network::Moment;
use zk_test_kit::{Network, TestServer, drop_after_polls};

zk_test_kit::cases![
    data_is_set_or_created_whole_or_not_at_all,
    idempotent_calls_can_be_made_again,
    an_idempotent_create_that_finds_a_node_leaves_it_alone,
    a_guaranteed_delete_is_done_all_the_same,
    a_protected_create_whose_reply_was_lost_leaves_no_node,
    a_create_with_parents_can_be_made_again,
    a_listing_with_data_leaves_nothing_behind,
    waits_leave_no_watch_on_the_server,
];

/// A client that soon misses a place for a request that was not given back.
async fn narrow_client(server: &TestServer) -> (Network, Client) {
    let network = server.network();
    let client = server.builder(&network).max_pending(PLACES).connect().await.unwrap();
    (network, client)
}

/// The client goes on as if the call had never been made.
async fn assert_whole(server: &TestServer, network: &Network, client: &Client) {
    // A server before 3.9 is asked to remove a watch in another way when it has refused the first.
    for _ in 0..3 {
        client.sync("/").await.unwrap();
    }
    let before = network.counts();
    let replies: Vec<_> = (0..PLACES).map(|_| client.exists("/").send()).collect();
    for reply in replies {
        assert!(reply.await.unwrap().is_some());
    }
    assert_eq!(network.counts().requests, before.requests + PLACES);
    let watches = server.four_letter_word("wchp").await;
    assert!(!watches.contains(&server.path("/")), "{watches}");
}

const FAULTS: [Option<Moment>; 3] = [None, Some(Moment::BeforeSending), Some(Moment::BeforeReply)];

/// The next request is cut, if one is to be.
fn cut_next(network: &Network, fault: Option<Moment>) {
    if let Some(moment) = fault {
        network.cut_at_request(0, moment);
    }
}

async fn data_is_set_or_created_whole_or_not_at_all(server: &TestServer) {
    let (network, client) = narrow_client(server).await;
    for exists in [false, true] {
        for polls in 0.. {
            let path = format!("/{exists}-{polls}/a/b");
            if exists {
                client.create(&path, "old").with_parents().await.unwrap();
            }
            let call = client.set_or_create(&path, "new").with_container_parents().send();
            let done = drop_after_polls(call, polls).await.map(Result::unwrap);
            assert_whole(server, &network, &client).await;
            assert_set_or_created_whole(&client, &path, exists, done).await;
            client.set_or_create(&path, "newer").with_container_parents().await.unwrap();
            assert_eq!(client.get(&path).await.unwrap().0, "newer", "{path}");
            if done.is_some() {
                assert!(
                    !server.has_virtual_time() || (polls > if exists { 0 } else { 5 }),
                    "only {polls} polls"
                );
                break;
            }
        }
    }
}

/// The node has the new data, or nothing was done, of which the call has told nothing.
async fn assert_set_or_created_whole(
    client: &Client,
    path: &str,
    existed: bool,
    done: Option<Stat>,
) {
    let found = match client.get(path).await {
        Err(error) if error.code() == Some(ErrorCode::NoNode) => None,
        read => Some(read.unwrap()),
    };
    match found {
        Some((data, stat)) if data == "new" => {
            assert_eq!(stat.version, Version(i32::from(existed)), "{path}");
            assert!(done.is_none_or(|done| done == stat), "{path}");
        }
        Some((data, _)) => assert_eq!((&data[..], done), (&b"old"[..], None), "{path}"),
        None => assert!(!existed && done.is_none(), "{path}"),
    }
}

async fn idempotent_calls_can_be_made_again(server: &TestServer) {
    let (network, client) = narrow_client(server).await;
    for fault in FAULTS {
        for polls in 0.. {
            let path = format!("/{fault:?}-{polls}");
            let create = || client.create(&path, "one").idempotent().send();
            let set = || client.set(&path, "two").version(Version(0)).idempotent().send();
            let delete = || client.delete(&path).version(Version(1)).idempotent().send();

            cut_next(&network, fault);
            let created = drop_after_polls(create(), polls).await.map(Result::unwrap);
            assert_whole(server, &network, &client).await;
            assert_eq!(create().await.unwrap().stat.version, Version(0), "{path}");

            cut_next(&network, fault);
            let was_set = drop_after_polls(set(), polls).await.map(Result::unwrap);
            assert_whole(server, &network, &client).await;
            assert_eq!(set().await.unwrap().version, Version(1), "{path}");

            cut_next(&network, fault);
            let deleted = drop_after_polls(delete(), polls).await.map(Result::unwrap);
            assert_whole(server, &network, &client).await;
            delete().await.unwrap();
            assert_eq!(client.exists(&path).await.unwrap(), None, "{path}");
            if created.is_some() && was_set.is_some() && deleted.is_some() {
                assert!(
                    !server.has_virtual_time() || (polls > 0 && (fault.is_none() || polls > 2)),
                    "only {polls} polls"
                );
                break;
            }
        }
    }
}

async fn an_idempotent_create_that_finds_a_node_leaves_it_alone(server: &TestServer) {
    let (network, client) = narrow_client(server).await;
    let stat = client.create("/a", "x").await.unwrap().stat;
    for polls in 0.. {
        let call = client.create("/a", "x").idempotent().send();
        let done = drop_after_polls(call, polls).await.map(Result::unwrap);
        assert_whole(server, &network, &client).await;
        assert_eq!(client.get("/a").await.unwrap(), ("x".into(), stat));
        if let Some(done) = done {
            assert_eq!(done.stat, stat);
            assert!(!server.has_virtual_time() || polls > 2, "only {polls} polls");
            return;
        }
    }
}

async fn a_guaranteed_delete_is_done_all_the_same(server: &TestServer) {
    let (network, client) = narrow_client(server).await;
    let other = server.client().await;
    for fault in FAULTS {
        for polls in 0.. {
            other.create("/a", "").await.unwrap();
            cut_next(&network, fault);
            let done = drop_after_polls(client.delete("/a").guaranteed().send(), polls).await;
            Janitor::of(&client).drain().await;
            other.sync("/").await.unwrap();
            assert_eq!(other.exists("/a").await.unwrap(), None, "{fault:?} after {polls} polls");
            assert_whole(server, &network, &client).await;
            if let Some(done) = done {
                assert_eq!(done.is_err(), fault.is_some(), "{done:?}");
                break;
            }
        }
    }
}

async fn a_protected_create_whose_reply_was_lost_leaves_no_node(server: &TestServer) {
    let (network, client) = narrow_client(server).await;
    let other = server.client().await;
    other.create("/nodes", "").await.unwrap();
    for moment in [Moment::BeforeSending, Moment::BeforeReply] {
        for polls in 0.. {
            network.cut_at_request(0, moment);
            let mode = CreateMode::PersistentSequential;
            let call = client.create("/nodes/n-", "").mode(mode).protected().send();
            let done = drop_after_polls(call, polls).await.map(Result::unwrap);
            Janitor::of(&client).drain().await;
            assert_whole(server, &network, &client).await;
            other.sync("/").await.unwrap();
            let left = other.children("/nodes").await.unwrap();
            assert_eq!(left.len(), usize::from(done.is_some()), "{moment:?}, {polls}: {left:?}");
            if let Some(done) = done {
                assert!(!server.has_virtual_time() || polls > 3, "only {polls} polls");
                client.delete(&done.path).await.unwrap();
                break;
            }
        }
    }
}

async fn a_create_with_parents_can_be_made_again(server: &TestServer) {
    let (network, client) = narrow_client(server).await;
    for containers in [false, true] {
        for polls in 0.. {
            let path = format!("/{containers}-{polls}/a/b/c");
            let create = || match (client.create(&path, "x"), containers) {
                (create, false) => create.with_parents().send(),
                (create, true) => create.with_container_parents().send(),
            };
            let done = drop_after_polls(create(), polls).await.map(Result::unwrap);
            assert_whole(server, &network, &client).await;
            match (client.exists(&path).await.unwrap(), &done) {
                (None, None) => assert_eq!(create().await.unwrap().path, path),
                (Some(stat), Some(done)) => assert_eq!(done.stat, stat),
                // The last request was sent and its reply not waited for.
                (Some(_), None) => {}
                (None, Some(_)) => panic!("{path} is not there"),
            }
            let exists = create().await.unwrap_err();
            assert_eq!(exists.code(), Some(ErrorCode::NodeExists), "{path}");
            if done.is_some() {
                assert!(!server.has_virtual_time() || polls > 7, "only {polls} polls");
                break;
            }
        }
    }
}

async fn a_listing_with_data_leaves_nothing_behind(server: &TestServer) {
    let (network, client) = narrow_client(server).await;
    client.create("/a", "").await.unwrap();
    for number in 0..40 {
        client.create(&format!("/a/{number}"), "x").await.unwrap();
    }
    for polls in 0.. {
        let call = client.children_with_data("/a").batch(2).send();
        let done = drop_after_polls(call, polls).await.map(Result::unwrap);
        assert_whole(server, &network, &client).await;
        if let Some(children) = done {
            assert_eq!(children.len(), 40);
            assert!(!server.has_virtual_time() || polls > 2, "only {polls} polls");
            return;
        }
    }
}

async fn waits_leave_no_watch_on_the_server(server: &TestServer) {
    let (network, client) = narrow_client(server).await;
    let other = server.client().await;
    other.create("/here", "").await.unwrap();
    for polls in 0..5 {
        let comes = client.wait_until_exists("/absent").send();
        assert_eq!(drop_after_polls(comes, polls).await, None);
        assert_whole(server, &network, &client).await;
        let goes = client.wait_until_absent("/here").send();
        assert_eq!(drop_after_polls(goes, polls).await, None);
        assert_whole(server, &network, &client).await;
    }
    // They did get as far as that.
    let mut goes = client.wait_until_absent("/here").send();
    assert_eq!(drop_after_polls(&mut goes, 5).await, None);
    let watches = server.four_letter_word("wchp").await;
    assert!(watches.contains(&server.path("/here")), "{watches}");
    let before = network.counts().events;
    other.delete("/here").await.unwrap();
    goes.await.unwrap();
    assert_eq!(network.counts().events, before + 1);
    assert_whole(server, &network, &client).await;
}

/// Requests that may be under way at once.
const PLACES: usize = 32;

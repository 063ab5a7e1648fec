//! Connections that break once, at any request of a call, before it was sent or before its reply.

use zk_client::{Client, CreateMode, Error, ErrorCode, Janitor};
use zk_test_kit::network::Moment;
use zk_test_kit::{Network, TestServer};

zk_test_kit::cases![
    parents_are_created_all_the_same,
    a_lost_set_or_create_is_told_and_can_be_made_again,
    a_protected_create_finds_its_node_whatever_its_mode,
    an_idempotent_create_finds_its_node_whatever_its_mode,
    a_guaranteed_delete_and_what_it_says,
    a_listing_with_data_is_complete,
    waits_end_all_the_same,
];

const MOMENTS: [Moment; 2] = [Moment::BeforeSending, Moment::BeforeReply];

/// A client whose connection breaks after so many requests.
async fn cut_after(server: &TestServer, skip: usize, moment: Moment) -> (Network, Client) {
    let network = server.network();
    let client = server.client_on(&network).await;
    network.cut_at_request(skip, moment);
    (network, client)
}

async fn parents_are_created_all_the_same(server: &TestServer) {
    let other = server.client().await;
    for containers in [false, true] {
        for moment in MOMENTS {
            for skip in 0.. {
                let top = format!("/{containers}-{moment:?}-{skip}");
                let path = format!("{top}/a/b/c");
                let (network, client) = cut_after(server, skip, moment).await;
                let create = client.create(&path, "x");
                let created = match containers {
                    false => create.with_parents().await,
                    true => create.with_container_parents().await,
                };
                other.sync("/").await.unwrap();
                let exists = other.exists(&path).await.unwrap();
                match created {
                    Ok(created) => assert_eq!(Some(created.stat), exists, "{path}"),
                    // Only of the node itself, which is asked for first and last.
                    Err(error) => {
                        assert_eq!(error, lost(), "{path}");
                        let at_first = other.exists(&top).await.unwrap().is_none();
                        assert!(at_first || other.exists(&format!("{top}/a/b")).await.is_ok());
                        let maybe = !at_first && moment == Moment::BeforeReply;
                        assert!(maybe || exists.is_none(), "{path}");
                    }
                }
                if network.is_cut_pending() {
                    assert!(skip > 7, "only {skip} requests were cut");
                    break;
                }
            }
        }
    }
}

async fn a_lost_set_or_create_is_told_and_can_be_made_again(server: &TestServer) {
    let other = server.client().await;
    for exists in [false, true] {
        for moment in MOMENTS {
            for skip in 0.. {
                let path = format!("/{exists}-{moment:?}-{skip}/a");
                if exists {
                    other.create(&path, "old").with_parents().await.unwrap();
                }
                let (network, client) = cut_after(server, skip, moment).await;
                let outcome = client.set_or_create(&path, "new").with_parents().await;
                other.sync("/").await.unwrap();
                if let Err(error) = outcome {
                    assert_eq!(error, lost(), "{path}");
                    client.set_or_create(&path, "new").with_parents().await.unwrap();
                }
                let (data, stat) = other.get(&path).await.unwrap();
                assert_eq!(data, "new", "{path}");
                assert!(stat.version.0 <= 2, "{path}");
                if network.is_cut_pending() {
                    assert!(skip > if exists { 0 } else { 4 }, "only {skip} requests were cut");
                    break;
                }
            }
        }
    }
}

async fn a_protected_create_finds_its_node_whatever_its_mode(server: &TestServer) {
    let other = server.client().await;
    for mode in [CreateMode::Container, CreateMode::Ephemeral, CreateMode::PersistentSequential] {
        for moment in MOMENTS {
            for skip in 0.. {
                let parent = format!("/{mode:?}-{moment:?}-{skip}/a/b");
                let (network, client) = cut_after(server, skip, moment).await;
                let path = format!("{parent}/n-");
                let create = client.create(&path, "x").mode(mode);
                let created = create.with_parents().protected().await.unwrap();
                Janitor::of(&client).drain().await;
                other.sync("/").await.unwrap();
                let children = other.children(&parent).await.unwrap();
                assert_eq!(children.len(), 1, "{parent}");
                assert_eq!(created.path, format!("{parent}/{}", children[0]));
                if network.is_cut_pending() {
                    assert!(skip > 6, "only {skip} requests were cut");
                    break;
                }
            }
        }
    }
}

async fn an_idempotent_create_finds_its_node_whatever_its_mode(server: &TestServer) {
    let other = server.client().await;
    for mode in [CreateMode::Container, CreateMode::Ephemeral, CreateMode::Persistent] {
        for moment in MOMENTS {
            for skip in 0.. {
                let path = format!("/{mode:?}-{moment:?}-{skip}/a/b");
                let (network, client) = cut_after(server, skip, moment).await;
                let create = client.create(&path, "x").mode(mode).with_container_parents();
                let created = create.idempotent().await.unwrap();
                other.sync("/").await.unwrap();
                assert_eq!(other.get(&path).await.unwrap(), ("x".into(), created.stat), "{path}");
                if network.is_cut_pending() {
                    assert!(skip > 6, "only {skip} requests were cut");
                    break;
                }
            }
        }
    }
}

async fn a_guaranteed_delete_and_what_it_says(server: &TestServer) {
    let other = server.client().await;
    for moment in MOMENTS {
        for skip in 0.. {
            other.create("/a", "").await.unwrap();
            let (network, client) = cut_after(server, skip, moment).await;
            let outcome = client.delete("/a").guaranteed().await;
            let cut = !network.is_cut_pending();
            assert_eq!(outcome, if cut { Err(lost()) } else { Ok(()) });
            Janitor::of(&client).drain().await;
            other.sync("/").await.unwrap();
            assert_eq!(other.exists("/a").await.unwrap(), None, "{moment:?} {skip}");
            if !cut {
                break;
            }
        }
    }
}

async fn a_listing_with_data_is_complete(server: &TestServer) {
    let other = server.client().await;
    other.create("/a", "").await.unwrap();
    for number in 0..20 {
        other.create(&format!("/a/{number}"), number.to_string()).await.unwrap();
    }
    for moment in MOMENTS {
        for skip in 0.. {
            let (network, client) = cut_after(server, skip, moment).await;
            let children = client.children_with_data("/a").batch(2).await.unwrap();
            assert_eq!(children.len(), 20, "{moment:?} {skip}");
            assert!(children.iter().all(|child| child.data == child.name.as_bytes()));
            if network.is_cut_pending() {
                assert!(skip > 9, "only {skip} requests were cut");
                break;
            }
        }
    }
    let missing = other.children_with_data("/missing").await.unwrap_err();
    assert_eq!(missing.code(), Some(ErrorCode::NoNode));
}

async fn waits_end_all_the_same(server: &TestServer) {
    let other = server.client().await;
    for moment in MOMENTS {
        for skip in 0.. {
            let path = format!("/{moment:?}-{skip}");
            let (network, client) = cut_after(server, skip, moment).await;
            let comes = client.wait_until_exists(&path).send();
            let creates = async {
                // The wait has begun, or is cut off just now.
                client.sync("/").await.unwrap();
                other.create(&path, "").await.unwrap().stat
            };
            let (came, created) = tokio::join!(comes, creates);
            assert_eq!(came.unwrap(), created, "{path}");
            let goes = client.wait_until_absent(&path).send();
            let deletes = async {
                client.sync("/").await.unwrap();
                other.delete(&path).await.unwrap();
            };
            let (gone, ()) = tokio::join!(goes, deletes);
            gone.unwrap();
            if network.is_cut_pending() {
                assert!(skip > 4, "only {skip} requests were cut");
                break;
            }
        }
    }
}

fn lost() -> Error {
    Error::ConnectionLoss { delivery: zk_client::Delivery::Unknown }
}

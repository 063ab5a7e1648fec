//! Sessions that one client leaves and another one goes on with, clients that end in time, and
//! clients that see a part of the tree.

use std::time::Duration;

use tokio::time::Instant;
use zk_client::{
    Client, CreateMode, Delivery, Error, EventType, ExpiryPolicy, SavedSession, SessionContinuity,
    SessionState,
};
use zk_test_kit::TestServer;

zk_test_kit::cases![
    a_session_goes_on_in_another_client_with_its_ephemerals,
    a_session_is_left_when_all_requests_are_answered,
    a_session_that_nobody_goes_on_with_ends_with_its_timeout,
    a_session_that_is_over_cannot_be_resumed,
    a_wrong_password_resumes_nothing_and_the_owner_goes_on,
    a_close_with_a_limit_ends_in_time_without_a_server,
    a_missing_chroot_is_made_or_told_of,
    a_view_sees_its_part_of_the_tree_in_the_same_session,
    a_view_tells_paths_as_it_names_them_and_refuses_bad_ones,
];

/// What the first connection of a client has told.
fn continuity(client: &Client) -> SessionContinuity {
    let state = *client.state().borrow();
    let SessionState::Connected { session, generation, .. } = state else { panic!("{state:?}") };
    assert_eq!(generation.get(), 1);
    session
}

async fn a_session_goes_on_in_another_client_with_its_ephemerals(server: &TestServer) {
    let (network, other) = (server.network(), server.client().await);
    let client = server.client_on(&network).await;
    let session = client.session_id();
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    let clone = client.clone();
    let saved = client.detach().await.unwrap();
    assert_eq!(saved.session_id(), session);
    assert_eq!(clone.get("/").await, Err(Error::Closed));
    assert_eq!(clone.close().await, Ok(()));
    drop(clone);
    let kept = saved.to_bytes();
    let saved = SavedSession::try_from(&*kept).unwrap();

    let network = server.network();
    let next = server.builder(&network).resume(saved).connect().await.unwrap();
    assert_eq!((next.session_id(), continuity(&next)), (session, SessionContinuity::Same));
    let stat = other.exists("/mine").await.unwrap().unwrap();
    assert_eq!(stat.ephemeral_owner, session);
    assert_eq!(next.set("/mine", "still").await.unwrap().ephemeral_owner, session);
    next.close().await.unwrap();
    assert_eq!(other.exists("/mine").await.unwrap(), None);
}

async fn a_session_is_left_when_all_requests_are_answered(server: &TestServer) {
    let client = server.client().await;
    let writes: Vec<_> =
        (0..20).map(|number| client.create(&format!("/{number}"), "").send()).collect();
    let saved = client.detach().await.unwrap();
    for write in writes {
        write.await.unwrap();
    }
    let network = server.network();
    let next = server.builder(&network).resume(saved).connect().await.unwrap();
    assert_eq!(next.children("/").await.unwrap().len(), 20);
}

async fn a_session_that_nobody_goes_on_with_ends_with_its_timeout(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    let (_, gone) = other.exists("/mine").watch().await.unwrap();
    let begin = Instant::now();
    let timeout = client.session_timeout();
    client.detach().await.unwrap();
    assert_eq!(gone.await.unwrap().event_type, EventType::NodeDeleted);
    let lived = begin.elapsed();
    assert!(lived > timeout / 2 && lived < timeout * 2, "{lived:?}");
}

async fn a_session_that_is_over_cannot_be_resumed(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    let saved = client.detach().await.unwrap();
    other.wait_until_absent("/mine").await.unwrap();
    let network = server.network();
    let failed = server.builder(&network).resume(saved.clone()).connect().await;
    assert_eq!(failed.unwrap_err(), Error::SessionExpired);
    let builder = server.builder(&network).resume(saved.clone());
    let next = builder.on_expiry(ExpiryPolicy::NewSession).connect().await.unwrap();
    assert_eq!(continuity(&next), SessionContinuity::New);
    assert_ne!(next.session_id(), saved.session_id());
}

async fn a_wrong_password_resumes_nothing_and_the_owner_goes_on(server: &TestServer) {
    let owner = server.client().await;
    let session = owner.session_id();
    owner.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    let guessed = SavedSession::new(session, [1; 16], zk_client::Zxid::ZERO);
    let network = server.network();
    let failed = server.builder(&network).resume(guessed).connect().await;
    assert_eq!(failed.unwrap_err(), Error::SessionExpired);
    // The server has hung up on it, and it comes back.
    let stat = owner.exists("/mine").await.unwrap().unwrap();
    assert_eq!((stat.ephemeral_owner, owner.session_id()), (session, session));
}

async fn a_close_with_a_limit_ends_in_time_without_a_server(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    network.refuse("a", true);
    network.cut();
    client.state().wait_for(|state| !state.is_connected()).await.unwrap();
    let limit = Duration::from_millis(50);
    let begin = Instant::now();
    let closed = client.close_within(limit).await;
    assert_eq!(closed, Err(Error::Timeout { delivery: Delivery::NotSent }));
    assert!(begin.elapsed() >= limit);
    assert_eq!(*client.state().borrow(), SessionState::Closed);
    assert_eq!(client.close().await, Ok(()), "it is at its end");
    let client = server.client().await;
    assert_eq!(client.close_within(Duration::from_secs(5)).await, Ok(()));
}

async fn a_missing_chroot_is_made_or_told_of(server: &TestServer) {
    let below = |path: &str| {
        let hosts = format!("a:1{}", server.path(path));
        Client::builder(hosts).connector(server.network().connector())
    };
    let missing = below("/deep/er").require_chroot().connect().await.unwrap_err();
    assert_eq!(missing, Error::NoChroot { path: server.path("/deep/er").into() });
    let unasked = below("/deep/er").connect().await.unwrap();
    let refused = unasked.create("/a", "").await.unwrap_err();
    assert_eq!(refused.code(), Some(zk_client::ErrorCode::NoNode));
    for _ in 0..2 {
        let client = below("/deep/er").ensure_chroot().connect().await.unwrap();
        client.set_or_create("/a", "x").await.unwrap();
        assert_eq!(client.chroot("/a").unwrap().get("/").await.unwrap().0, "x");
    }
    let client = below("/deep/er").require_chroot().connect().await.unwrap();
    client.get("/a").await.unwrap();
    let other = server.client().await;
    assert_eq!(other.get("/deep/er/a").await.unwrap().0, "x");
}

async fn a_view_sees_its_part_of_the_tree_in_the_same_session(server: &TestServer) {
    let client = server.client().await;
    let view = client.chroot("/app").unwrap();
    assert_eq!(view.get("/").await.unwrap_err().code(), Some(zk_client::ErrorCode::NoNode));
    view.create("/jobs/1", "x").with_parents().await.unwrap();
    assert_eq!(client.get("/app/jobs/1").await.unwrap().0, "x");
    assert_eq!(
        (view.session_id(), view.children("/").await.unwrap().len()),
        (client.session_id(), 1)
    );
    let deeper = view.chroot("/jobs").unwrap();
    let created = deeper.create("/n-", "").mode(CreateMode::EphemeralSequential).await.unwrap();
    assert!(created.path.starts_with("/n-"), "{created:?}");
    let same = client.chroot("/").unwrap();
    assert_eq!(same.get("/app/jobs/1").await.unwrap().0, "x");
}

async fn a_view_tells_paths_as_it_names_them_and_refuses_bad_ones(server: &TestServer) {
    let client = server.client().await;
    client.create("/app/jobs/1", "x").with_parents().await.unwrap();
    let deeper = client.chroot("/app").unwrap().chroot("/jobs").unwrap();
    let (_, watch) = deeper.get("/1").watch().await.unwrap();
    client.set("/app/jobs/1", "y").await.unwrap();
    assert_eq!(watch.await.unwrap().path, "/1");
    let (_, root) = deeper.children("/").watch().await.unwrap();
    client.create("/app/jobs/2", "").await.unwrap();
    assert_eq!(root.await.unwrap().path, "/");
    for bad in ["", "app", "/app/", "/a//b", "/a/../b"] {
        assert!(matches!(client.chroot(bad), Err(Error::BadPath { .. })), "{bad:?}");
    }
}

//! One server alone.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::{
    Acl, Client, CreateMode, Error, EventType, SessionContinuity, SessionId, SessionState,
};
use zk_recipes::{Lock, Ownership, Released};
use zk_test_kit::{FaultProxy, RealServer};

use crate::locks::held_again;

crate::fault_cases![
    a_killed_server_that_comes_back_with_its_data_keeps_the_session,
    credentials_are_told_again_after_a_restart,
    a_pause_shorter_than_the_session_timeout_costs_nothing_but_time,
    after_a_pause_above_the_session_timeout_a_client_knows_whether_its_session_lives,
    a_server_that_has_lost_its_data_is_not_believed,
    a_half_open_link_is_given_up_for_another_way_before_the_session_ends,
    a_slow_link_is_no_reason_to_give_up_a_session,
    a_lock_that_is_held_and_waited_for_outlives_a_restart,
];

/// Long enough for a restart, short enough to wait for.
const SESSION_TIMEOUT: Duration = Duration::from_secs(8);
const LONG_SESSIONS: &[(&str, &str)] =
    &[("ZOO_CFG_EXTRA", "extendedTypesEnabled=true maxSessionTimeout=60000")];

async fn client(connect_string: &str) -> Client {
    let builder = Client::builder(connect_string).session_timeout(SESSION_TIMEOUT);
    let client = builder.connect().await.unwrap();
    assert_eq!(client.session_timeout(), SESSION_TIMEOUT);
    client
}

/// Waits for the connection after a fault.
async fn connected_again(client: &Client) -> SessionContinuity {
    let mut state = client.state();
    let state = state.wait_for(SessionState::is_connected).await.unwrap();
    match *state {
        SessionState::Connected { session, .. } => session,
        ref other => panic!("{other:?}"),
    }
}

async fn disconnected(client: &Client) {
    let mut state = client.state();
    state.wait_for(|state| matches!(state, SessionState::Disconnected { .. })).await.unwrap();
}

async fn assert_owns_mine(client: &Client, session: SessionId) {
    assert_eq!(client.session_id(), session);
    let mine = client.exists("/mine").await.unwrap().unwrap();
    assert_eq!(mine.ephemeral_owner, session);
}

async fn a_killed_server_that_comes_back_with_its_data_keeps_the_session() {
    let server = RealServer::start(LONG_SESSIONS).await;
    let client = client(&server.connect_string()).await;
    let session = client.session_id();
    client.create("/stays", "written").await.unwrap();
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    let (_, changed) = client.get("/stays").watch().await.unwrap();

    server.kill().await;
    disconnected(&client).await;
    let waiting = client.get("/stays").send();
    server.start_again().await;
    assert_eq!(waiting.await.unwrap().0, "written");
    assert_eq!(connected_again(&client).await, SessionContinuity::Same);
    assert_owns_mine(&client, session).await;
    client.set("/stays", "again").await.unwrap();
    assert_eq!(changed.await.unwrap().event_type, EventType::NodeDataChanged);
    client.close().await.unwrap();
    server.stop().await;
}

async fn credentials_are_told_again_after_a_restart() {
    let server = RealServer::start(LONG_SESSIONS).await;
    let builder = Client::builder(server.connect_string()).auth_digest("user", "password");
    let owner = builder.session_timeout(SESSION_TIMEOUT).connect().await.unwrap();
    owner.create("/private", "mine").acl(Acl::creator_all()).await.unwrap();
    server.kill().await;
    server.start_again().await;
    assert_eq!(owner.get("/private").await.unwrap().0, "mine");
    let stranger = client(&server.connect_string()).await;
    assert!(stranger.get("/private").await.is_err());
    server.stop().await;
}

async fn a_pause_shorter_than_the_session_timeout_costs_nothing_but_time() {
    let server = RealServer::start(LONG_SESSIONS).await;
    let client = client(&server.connect_string()).await;
    client.create("/node", "").await.unwrap();
    server.pause().await;
    let waiting = client.set("/node", "during").send();
    sleep(SESSION_TIMEOUT / 4).await;
    assert!(client.state().borrow().is_connected());
    server.unpause().await;
    assert_eq!(waiting.await.unwrap().version.0, 1);
    assert_eq!(server.proxy().accepted(), 1, "the connection was kept");
    server.stop().await;
}

async fn after_a_pause_above_the_session_timeout_a_client_knows_whether_its_session_lives() {
    let server = RealServer::start(&[]).await;
    let builder = Client::builder(server.connect_string()).session_timeout(Duration::from_secs(2));
    let client = builder.connect().await.unwrap();
    let session = client.session_id();
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    server.pause().await;
    disconnected(&client).await;
    sleep(client.session_timeout() * 2).await;
    server.unpause().await;
    // Which comes first, the sweep of sessions or the client, is up to the server.
    let answer = client.exists("/mine").await;
    let observer = client_of(&server).await;
    let there = observer.exists("/mine").await.unwrap();
    match answer {
        Ok(mine) => {
            assert_eq!(client.session_id(), session);
            assert_eq!(mine.unwrap().ephemeral_owner, session);
            assert!(there.is_some());
        }
        Err(error) => {
            assert_eq!(error, Error::SessionExpired);
            assert_eq!(*client.state().borrow(), SessionState::Expired);
            assert!(there.is_none());
        }
    }
    server.stop().await;
}

async fn client_of(server: &RealServer) -> Client {
    Client::connect(server.connect_string()).await.unwrap()
}

async fn a_server_that_has_lost_its_data_is_not_believed() {
    let server = RealServer::start(LONG_SESSIONS).await;
    let builder = Client::builder(server.connect_string()).session_timeout(SESSION_TIMEOUT);
    let client = builder.operation_timeout(Duration::from_secs(3)).connect().await.unwrap();
    for _ in 0..20 {
        client.create("/n-", "").mode(CreateMode::PersistentSequential).await.unwrap();
    }
    server.wipe().await;
    server.kill().await;
    server.start_again().await;
    server.until_serving().await;
    // It would answer that there are no children, and that the session is over: it has seen
    // neither, and the client has seen more than it.
    let error = client.children("/").await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(matches!(*client.state().borrow(), SessionState::Disconnected { .. }));
    // Not in a hot loop.
    assert!(server.proxy().accepted() < 40, "{}", server.proxy().accepted());
    server.stop().await;
}

async fn a_half_open_link_is_given_up_for_another_way_before_the_session_ends() {
    let server = RealServer::start(LONG_SESSIONS).await;
    let (first, second) = (server.proxy(), FaultProxy::start(server.proxy().address()));
    // Everything goes by `second` at first, which leads to the same server by way of `first`.
    let direct = server.proxy().address();
    let client = {
        second.silence(false);
        client(&second.address().to_string()).await
    };
    let session = client.session_id();
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    second.silence(true);
    let waiting = client.get("/mine").send();
    let gave_up = timeout(SESSION_TIMEOUT, disconnected(&client)).await;
    assert!(gave_up.is_ok(), "the link was silent for longer than two thirds of the timeout");
    second.retarget(direct);
    second.silence(false);
    waiting.await.unwrap();
    assert_eq!(connected_again(&client).await, SessionContinuity::Same);
    assert_eq!(client.session_id(), session);
    assert!(first.accepted() >= 2);
    server.stop().await;
}

async fn a_slow_link_is_no_reason_to_give_up_a_session() {
    let server = RealServer::start(&[]).await;
    server.proxy().delay(Duration::from_millis(300));
    let builder = Client::builder(server.connect_string()).session_timeout(Duration::from_secs(2));
    let client = builder.connect().await.unwrap();
    sleep(client.session_timeout() * 2).await;
    client.create("/node", "").await.unwrap();
    assert_eq!(server.proxy().accepted(), 1, "one connection was enough");
    server.stop().await;
}

async fn a_lock_that_is_held_and_waited_for_outlives_a_restart() {
    let server = RealServer::start(LONG_SESSIONS).await;
    let [holder, waiter] =
        [client(&server.connect_string()).await, client(&server.connect_string()).await];
    let guard = Lock::new(&holder, "/lock").unwrap().acquire().await.unwrap();
    let waiting = Lock::new(&waiter, "/lock").unwrap().enqueue().await.unwrap();
    let waiting = tokio::spawn(waiting.acquire());
    let mut ownership = guard.watch();
    server.kill().await;
    ownership.wait_for(|now| matches!(now, Ownership::Suspended { .. })).await.unwrap();
    server.start_again().await;
    held_again(&guard).await;
    let token = guard.token();
    assert!(!waiting.is_finished());
    assert_eq!(guard.release().await.unwrap(), Released::Now);
    let next = waiting.await.unwrap().unwrap();
    assert!(next.token() > token);
    next.release().await.unwrap();
    server.stop().await;
}

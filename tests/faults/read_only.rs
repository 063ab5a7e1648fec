//! A server that has lost its ensemble, and goes on as a read-only one.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::{Client, ErrorCode, SessionState};
use zk_test_kit::Ensemble;

use crate::ensemble::{SESSION_TIMEOUT, client_at};

crate::fault_cases![a_server_without_a_quorum_is_read_from_until_a_writable_one_is_found];

/// Without these a read-only server has no sessions to give (`ReadOnlyRequestProcessor`).
const LOCAL_SESSIONS: &str = "localSessionsEnabled=true localSessionsUpgradingEnabled=true";

async fn until_read_only(ensemble: &Ensemble, index: usize) {
    while ensemble.servers()[index].mode().await.as_deref() != Some("read-only") {
        sleep(Duration::from_millis(50)).await;
    }
}

async fn a_server_without_a_quorum_is_read_from_until_a_writable_one_is_found() {
    let ensemble = Ensemble::start_with(LOCAL_SESSIONS).await;
    let follower = ensemble.followers().await[0];
    let writer = client_at(&ensemble, follower).await;
    writer.create("/node", "before").await.unwrap();
    writer.close().await.unwrap();
    ensemble.cut_off(follower).await;
    until_read_only(&ensemble, follower).await;

    ensemble.refuse_others(follower, true);
    let builder = Client::builder(ensemble.connect_string()).session_timeout(SESSION_TIMEOUT);
    let client = builder.allow_read_only_server(true).connect().await.unwrap();
    let mut state = client.state();
    assert!(matches!(*state.borrow(), SessionState::ConnectedReadOnly { .. }));
    assert_eq!(client.get("/node").await.unwrap().0, "before");
    let refused = client.set("/node", "no").await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NotReadOnly));
    assert!(client.lease().safe_until().is_none(), "nobody proves such a session");

    ensemble.refuse_others(follower, false);
    let found = state.wait_for(|state| matches!(state, SessionState::Connected { .. }));
    assert!(timeout(Duration::from_secs(30), found).await.is_ok());
    client.set("/node", "yes").await.unwrap();
    ensemble.stop().await;
}

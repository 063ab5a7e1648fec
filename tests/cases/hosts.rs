//! Lists of hosts that change under a live session.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use zk_client::{Client, ConfigPort, CreateMode, SessionState};
use zk_test_kit::server::SESSION_TIMEOUT;
use zk_test_kit::{Network, TestServer};

zk_test_kit::cases![
    a_session_that_moves_keeps_its_ephemerals_and_loses_no_request,
    a_session_stays_where_it_is_when_its_host_is_still_named;
    on embedded: [hosts_follow_the_configuration_of_the_ensemble];
];

async fn a_session_that_moves_keeps_its_ephemerals_and_loses_no_request(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let session = client.session_id();
    client.create("/mine", "").mode(CreateMode::Ephemeral).await.unwrap();
    client.create("/counted", "").await.unwrap();
    let mut state = client.state();
    state.borrow_and_update();
    client.update_hosts("b:1").unwrap();
    let mut writes = 0;
    while network.dialled().last().unwrap() != "b" || !state.borrow().is_connected() {
        // Whatever the moment, no write is lost, and none is done twice.
        let pair = (client.set("/counted", "x").send(), client.get("/counted").send());
        pair.0.await.unwrap();
        pair.1.await.unwrap();
        writes += 1;
        // Virtual time stands still while there is something to do.
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(client.session_id(), session);
    let (_, stat) = client.get("/counted").await.unwrap();
    assert_eq!(stat.version.0, writes);
    assert_eq!(client.exists("/mine").await.unwrap().unwrap().ephemeral_owner, session);
    client.close().await.unwrap();
}

async fn a_session_stays_where_it_is_when_its_host_is_still_named(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let mut state = client.state();
    state.borrow_and_update();
    client.update_hosts("a:1").unwrap();
    assert!(client.update_hosts("a:1/app").is_err(), "there is no chroot in a list of hosts");
    assert!(client.update_hosts("").is_err());
    for _ in 0..20 {
        client.exists("/").await.unwrap();
    }
    assert!(!state.has_changed().unwrap());
    assert_eq!(network.dialled().len(), 1);
    client.close().await.unwrap();
}

/// Only a server that nobody else uses may be told of an ensemble that is not there.
async fn hosts_follow_the_configuration_of_the_ensemble(server: &TestServer) {
    let super_user = server.client_at_root().await;
    super_user.add_auth("digest", "super:admin").await.unwrap();
    super_user.set(CONFIG, "server.1=b:2888:3888:participant;0.0.0.0:7\nversion=1").await.unwrap();
    let network = server.network();
    let builder = server.builder(&network).follow_config(ConfigPort::Client);
    let client = builder.connect().await.unwrap();
    // It stays at a name that the ensemble has never used, and goes to those that it has.
    reconnect_until_at(&client, &network, "b").await;
    super_user.set(CONFIG, "server.1=c:2888:3888:participant;0.0.0.0:7\nversion=2").await.unwrap();
    until_at(&client, &network, "c").await;
    network.refuse("c", true);
    // The last resort.
    reconnect_until_at(&client, &network, "a").await;
    client.close().await.unwrap();
    super_user.close().await.unwrap();
}

async fn reconnect_until_at(client: &Client, network: &Network, host: &str) {
    for _ in 0..100 {
        network.cut();
        client.sync("/").await.unwrap();
        if network.dialled().last().unwrap() == host {
            return;
        }
    }
    panic!("{:?} and never {host}", network.dialled());
}

async fn until_at(client: &Client, network: &Network, host: &str) {
    let mut state = client.state();
    let there = async {
        while network.dialled().last().unwrap() != host || !state.borrow().is_connected() {
            state.changed().await.unwrap();
        }
    };
    timeout(MOVE_LIMIT, there).await.unwrap();
    assert!(matches!(*client.state().borrow(), SessionState::Connected { .. }));
}

const CONFIG: &str = "/zookeeper/config";
const MOVE_LIMIT: Duration = Duration::from_secs(10).saturating_add(SESSION_TIMEOUT);

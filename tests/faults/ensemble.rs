//! Three servers with a leader.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use zk_client::{
    Client, ConfigPort, CreateMode, Error, EventType, HostPort, SessionState, connect_with,
};
use zk_test_kit::Ensemble;
use zk_test_kit::server::TICK;

crate::fault_cases![with Arc<Ensemble>:
    no_acknowledged_write_is_lost_when_the_leader_is_killed,
    sessions_ephemerals_and_watches_outlive_the_leader,
    a_follower_cut_off_from_its_peers_loses_its_clients_to_the_others,
    without_a_quorum_nothing_is_acknowledged_and_sessions_outlive_it,
    a_session_lives_as_long_as_its_lease_when_its_follower_is_cut_off,
    a_session_lives_as_long_as_its_lease_when_the_leader_is_cut_off,
    hosts_follow_the_configuration_that_the_ensemble_tells,
];

/// The longest that these servers grant.
pub(crate) const SESSION_TIMEOUT: Duration = Duration::from_secs(4);
/// Time for some dozens of writes.
const SOME_WRITES: Duration = Duration::from_millis(300);

pub(crate) async fn client(ensemble: &Ensemble) -> Client {
    let builder = Client::builder(ensemble.connect_string()).session_timeout(SESSION_TIMEOUT);
    builder.connect().await.unwrap()
}

/// A client whose first connection is to that server, and that knows all of them.
pub(crate) async fn client_at(ensemble: &Ensemble, index: usize) -> Client {
    ensemble.refuse_others(index, true);
    let client = client(ensemble).await;
    ensemble.refuse_others(index, false);
    client
}

pub(crate) fn unique(name: &str) -> String {
    format!("/{name}-{:08x}", fastrand::u32(..))
}

/// What a writer knows of its writes.
#[derive(Default)]
struct Written {
    acknowledged: Vec<String>,
    /// They may have been done or not.
    unknown: Vec<String>,
}

/// Creates one node after the other until told to stop.
async fn write_until(client: Client, root: String, stop: oneshot::Receiver<()>) -> Written {
    let mut written = Written::default();
    let writing = async {
        for number in 0.. {
            let name = format!("n{number}");
            match client.create(&format!("{root}/{name}"), "").await {
                Ok(_) => written.acknowledged.push(name),
                Err(error) if error.outcome_unknown() => written.unknown.push(name),
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    tokio::select! {
        () = writing => {}
        _ = stop => {}
    }
    written
}

fn assert_nothing_lost(written: &Written, there: &[String]) {
    let Written { acknowledged, unknown } = written;
    assert!(acknowledged.len() > 10, "{}", acknowledged.len());
    for name in acknowledged {
        assert!(there.contains(name), "{name} was acknowledged");
    }
    // It was under way when the writing was stopped.
    let last = format!("n{}", acknowledged.len() + unknown.len());
    for name in there {
        let known = acknowledged.contains(name) || unknown.contains(name) || *name == last;
        assert!(known, "{name} was never written");
    }
}

/// One client at the leader, one at a follower.
async fn two_clients(ensemble: &Ensemble, leader: usize) -> [Client; 2] {
    [client_at(ensemble, leader).await, client_at(ensemble, (leader + 1) % 3).await]
}

async fn no_acknowledged_write_is_lost_when_the_leader_is_killed(ensemble: Arc<Ensemble>) {
    let leader = ensemble.leader().await.unwrap();
    let mut writers = Vec::new();
    for client in two_clients(&ensemble, leader).await {
        let root = unique("writes");
        client.create(&root, "").await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let writer = tokio::spawn(write_until(client.clone(), root.clone(), stopped));
        writers.push((client, root, stop, writer));
    }
    sleep(SOME_WRITES).await;
    ensemble.servers()[leader].kill().await;
    ensemble.until_quorum(2).await;
    for (client, root, stop, writer) in writers {
        // By then the client has found another server, and goes on writing there.
        client.sync("/").await.unwrap();
        sleep(SOME_WRITES).await;
        stop.send(()).unwrap();
        let written = writer.await.unwrap();
        let there = client.children(&root).await.unwrap();
        let there: Vec<_> = there.iter().map(ToString::to_string).collect();
        assert_nothing_lost(&written, &there);
    }
    ensemble.servers()[leader].start_again().await;
}

async fn sessions_ephemerals_and_watches_outlive_the_leader(ensemble: Arc<Ensemble>) {
    let leader = ensemble.leader().await.unwrap();
    let [first, second] = two_clients(&ensemble, leader).await;
    let path = unique("outlives");
    let sessions = (first.session_id(), second.session_id());
    first.create(&path, "").mode(CreateMode::Ephemeral).await.unwrap();
    let (_, changed) = second.get(&path).watch().await.unwrap();
    ensemble.servers()[leader].kill().await;
    let killed = Instant::now();
    second.sync("/").await.unwrap();
    eprintln!("served again {:?} after the leader was killed", killed.elapsed());
    first.sync("/").await.unwrap();
    first.set(&path, "changed").await.unwrap();
    assert_eq!(changed.await.unwrap().event_type, EventType::NodeDataChanged);
    assert_eq!((first.session_id(), second.session_id()), sessions);
    let stat = second.exists(&path).await.unwrap().unwrap();
    assert_eq!(stat.ephemeral_owner, sessions.0);
    ensemble.servers()[leader].start_again().await;
}

async fn a_follower_cut_off_from_its_peers_loses_its_clients_to_the_others(
    ensemble: Arc<Ensemble>,
) {
    let follower = ensemble.followers().await[0];
    let client = client_at(&ensemble, follower).await;
    let (session, path) = (client.session_id(), unique("cut-off"));
    client.create(&path, "before").mode(CreateMode::Ephemeral).await.unwrap();
    let (_, changed) = client.get(&path).watch().await.unwrap();
    let other = client_at(&ensemble, ensemble.leader().await.unwrap()).await;
    ensemble.cut_off(follower).await;
    other.set(&path, "meanwhile").await.unwrap();
    // Told by whichever server has it: the one that is cut off cannot know.
    assert_eq!(changed.await.unwrap().event_type, EventType::NodeDataChanged);
    assert_eq!(client.get(&path).await.unwrap().0, "meanwhile");
    assert_eq!(client.session_id(), session);
    assert_eq!(client.exists(&path).await.unwrap().unwrap().ephemeral_owner, session);
    ensemble.join(follower).await;
    client.close().await.unwrap();
}

async fn without_a_quorum_nothing_is_acknowledged_and_sessions_outlive_it(ensemble: Arc<Ensemble>) {
    let client = client(&ensemble).await;
    let (session, path) = (client.session_id(), unique("no-quorum"));
    client.create(&path, "before").mode(CreateMode::Ephemeral).await.unwrap();
    for server in ensemble.servers() {
        server.kill().await;
    }
    let mut state = client.state();
    state.wait_for(|state| matches!(state, SessionState::Disconnected { .. })).await.unwrap();
    let limited = timeout(SESSION_TIMEOUT / 4, client.set(&path, "never").send());
    assert!(limited.await.is_err(), "nobody is there to acknowledge it");
    for server in ensemble.servers() {
        server.start_again().await;
    }
    ensemble.until_quorum(3).await;
    // Time stands still for sessions while nobody leads; they are counted anew by the next leader.
    match client.get(&path).await {
        Ok((data, stat)) => {
            assert_eq!(data, "before", "what was given up before it was sent is not sent");
            assert_eq!((client.session_id(), stat.ephemeral_owner), (session, session));
        }
        Err(error) => panic!("the session did not outlive it: {error:?}"),
    }
    let again = client.set(&path, "after").await;
    assert!(matches!(again, Ok(_) | Err(Error::ConnectionLoss { .. })), "{again:?}");
    client.close().await.unwrap();
}

/// Cuts off a server with a client that can reach no other, and sees how long the ensemble keeps
/// the client's ephemeral node.
async fn assert_outlives_lease(ensemble: &Ensemble, server: usize) {
    let builder = Client::builder(ensemble.servers()[server].connect_string());
    let builder = builder.session_timeout(SESSION_TIMEOUT).server_tick(TICK);
    let holder = builder.connect().await.unwrap();
    let path = unique("lease");
    holder.create(&path, "").mode(CreateMode::Ephemeral).await.unwrap();
    let other = (0..3).find(|index| *index != server).unwrap();
    let observer = client_at(ensemble, other).await;
    // Signs of life that were passed on, and a write behind them.
    sleep(SESSION_TIMEOUT / 2).await;
    holder.prove_session().await.unwrap();
    sleep(TICK * 2).await;
    let proven = holder.prove_session().await.unwrap().safe_until().unwrap();
    let (there, gone) = observer.exists(&path).watch().await.unwrap();
    assert!(there.is_some());
    ensemble.cut_off(server).await;
    gone.await.unwrap();
    let gone = Instant::now();
    assert!(gone >= proven, "gone {:?} before the end of the lease", proven - gone);
    eprintln!("gone {:?} after the end of the lease", gone - proven);
    // The server has answered pings for a while, which have proven nothing.
    assert_eq!(holder.lease().safe_until(), Some(proven));
    let lost = timeout(Duration::ZERO, holder.lease_lost());
    assert!(lost.await.is_ok(), "the lease has run out");
    ensemble.join(server).await;
}

async fn a_session_lives_as_long_as_its_lease_when_its_follower_is_cut_off(
    ensemble: Arc<Ensemble>,
) {
    let follower = ensemble.followers().await[0];
    assert_outlives_lease(&ensemble, follower).await;
}

async fn a_session_lives_as_long_as_its_lease_when_the_leader_is_cut_off(ensemble: Arc<Ensemble>) {
    let leader = ensemble.leader().await.unwrap();
    assert_outlives_lease(&ensemble, leader).await;
}

/// Whatever name is dialled, it is the way to the first server: the names in the configuration are
/// those by which the servers know each other.
async fn hosts_follow_the_configuration_that_the_ensemble_tells(ensemble: Arc<Ensemble>) {
    let dialled = Arc::new(Mutex::new(BTreeSet::new()));
    let (book, first) = (Arc::clone(&dialled), ensemble.servers()[0].connect_string());
    let connector = connect_with(move |host: HostPort| {
        book.lock().unwrap().insert(format!("{}:{}", host.host, host.port));
        let first = first.clone();
        async move { TcpStream::connect(first).await }
    });
    let builder = Client::builder("elsewhere:7").connector(connector);
    let builder = builder.session_timeout(SESSION_TIMEOUT).follow_config(ConfigPort::Client);
    let client = builder.connect().await.unwrap();
    let (config, _) = client.get_config().await.unwrap();
    let config = String::from_utf8(config.to_vec()).unwrap();
    // server.1=10.0.0.1:2888:3888:participant;0.0.0.0:2181
    let hosts = config.lines().filter_map(|line| line.strip_prefix("server.")?.split_once('='));
    let hosts: Vec<_> = hosts.map(|(_, rest)| rest.split_once(':').unwrap().0).collect();
    let expected: BTreeSet<_> = hosts.iter().map(|host| format!("{host}:2181")).collect();
    assert_eq!(expected.len(), ensemble.servers().len(), "{config}");
    for _ in 0..100 {
        ensemble.servers()[0].proxy().cut();
        client.exists("/").await.unwrap();
        if dialled.lock().unwrap().is_superset(&expected) {
            break;
        }
    }
    let mut dialled = dialled.lock().unwrap().clone();
    assert!(dialled.remove("elsewhere:7"), "{dialled:?}");
    assert_eq!(dialled, expected, "{config}");
}

//! A server, one that follows it, and two clients, for one run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::time::timeout;
use zk_client::{Client, ClientBuilder, Connecting, ExpiryPolicy, Janitor, SessionState, Stream};
use zk_server_lite::{Follower, Server};

use super::{Comeback, Fault, Run};
use crate::network::{Dial, Network};
use crate::server::{SESSION_TIMEOUT, dial_memory, embedded};

pub(super) struct World {
    pub(super) server: Arc<Server>,
    pub(super) follower: Arc<Follower>,
    pub(super) network: Network,
    pub(super) observer: Client,
    pub(super) client: Client,
    /// Tasks on the runtime when nobody was connected but the observer.
    pub(super) tasks_without_client: usize,
    /// Tasks when the client was connected and idle.
    pub(super) tasks_with_client: usize,
    /// The faults that are to come and those that have come.
    pub(super) plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) to_come: Vec<Fault>,
    pub(super) happened: Vec<Fault>,
}

/// Runs something on a runtime of its own, in virtual time.
pub(super) fn in_virtual_time<T>(run: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        timeout(LIMIT, run).await.unwrap_or_else(|_| panic!("not over after {LIMIT:?}"))
    })
}

impl World {
    /// What the observer prepares is there when the client comes, and the client has seen it.
    pub(super) async fn new(seed: u64, faults: &[Fault], prepare: &impl AsyncFn(Client)) -> Self {
        let server = Arc::new(embedded().memory_only().start().await.unwrap());
        let follower = Arc::new(server.follower());
        let observer = builder(&Network::new(dial_memory(&server)), seed).connect().await.unwrap();
        Janitor::of(&observer).drain().await;
        prepare(observer.clone()).await;
        quiet().await;
        let tasks_without_client = alive_tasks();
        let network = Network::new(dial_memory(&server));
        let policy = faults.first().map_or(ExpiryPolicy::Fail, |one| one.comeback.expiry_policy());
        let builder = builder(&network, seed).on_expiry(policy).max_pending(PLACES);
        let client = builder.connect().await.unwrap();
        client.sync("/").await.unwrap();
        // Its task begins now, and is not taken for something that was left. So is that of the
        // observer.
        Janitor::of(&client).drain().await;
        quiet().await;
        let tasks_with_client = alive_tasks();
        let plan = Arc::default();
        Self {
            server,
            follower,
            network,
            observer,
            client,
            tasks_without_client,
            tasks_with_client,
            plan,
        }
    }

    /// From now on the connection breaks as planned, one fault after the other.
    pub(super) fn begin(&self, faults: &[Fault]) {
        // What the client has seen so far the follower has, and no more.
        self.follower.catch_up();
        self.follower.lag_until_asked(WHILE);
        let mut plan = self.plan.lock().unwrap();
        plan.to_come = faults.to_vec();
        if let Some(first) = faults.first() {
            self.network.cut_at_request(first.request, first.moment);
        }
        drop(plan);
        let (network, follower) = (self.network.clone(), Arc::clone(&self.follower));
        let plan = Arc::clone(&self.plan);
        let server = Arc::clone(&self.server);
        self.network.on_cut(move || {
            let mut plan = plan.lock().unwrap();
            let fault = plan.to_come.remove(0);
            plan.happened.push(fault);
            if let Some(next) = plan.to_come.first() {
                network.cut_at_request(next.request, next.moment);
            }
            drop(plan);
            come_back(fault.comeback, &network, &server, &follower);
        });
    }

    /// The scenario is over, and what goes on behind it has come to an end.
    pub(super) async fn settle(&self) {
        let drained = Janitor::of(&self.client);
        let mut state = self.client.state();
        tokio::select! {
            () = drained.drain() => {}
            _ = state.wait_for(SessionState::is_over) => {}
        }
        quiet().await;
    }

    /// Nothing breaks any more. Tells what has.
    pub(super) fn end(&self, polls: Option<usize>) -> Run {
        self.network.forget_cut();
        self.follower.release();
        Run {
            faults: self.plan.lock().unwrap().happened.clone(),
            polls,
            client: self.client.clone(),
            observer: self.observer.clone(),
        }
    }
}

/// What a fault does to servers.
fn come_back(comeback: Comeback, network: &Network, server: &Server, follower: &Arc<Follower>) {
    match comeback {
        Comeback::SameServer => network.reroute(dial_memory(server)),
        Comeback::Expired | Comeback::Renewed => {
            if let Some(session) = network.session() {
                server.expire_session(session);
            }
        }
        Comeback::LaggingServer => {
            network.reroute(dial_follower(follower));
            let follower = Arc::clone(follower);
            network.on_handshake(move |seen| follower.catch_up_to(seen));
        }
        Comeback::BehindServer => network.reroute(dial_follower(follower)),
    }
}

fn dial_follower(follower: &Follower) -> Dial {
    let memory = follower.memory();
    Arc::new(move || -> Connecting {
        let memory = memory.clone();
        Box::pin(async move { Ok(Box::new(memory.connect().await?) as Box<dyn Stream>) })
    })
}

fn builder(network: &Network, seed: u64) -> ClientBuilder {
    Client::builder("a:1")
        .connector(network.connector())
        .session_timeout(SESSION_TIMEOUT)
        .seed(seed)
}

/// Long enough for everything that needs no more than time to run.
pub(super) async fn quiet() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

pub(super) fn alive_tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Requests that the client may have under way at once.
pub(super) const PLACES: usize = 32;

/// After so long a server takes what it was not asked for: less than a session lives.
const WHILE: Duration = Duration::from_secs(1);

/// In virtual time: whoever waits longer waits for ever.
const LIMIT: Duration = Duration::from_secs(600);

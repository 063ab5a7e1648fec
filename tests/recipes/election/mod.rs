//! Leader election.

mod breadcrumbs;
mod closing;
mod joining;
mod losing;
mod observing;
mod override_node;
mod overriding;
mod random_faults;
mod running;
mod static_form;
mod suspending;
mod terms;
mod transferring;

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use zk_client::{Client, ExpiryPolicy};
use zk_recipes::election::{Candidate, Election, Leadership, Role};
use zk_test_kit::{Case, Network, TestServer};

pub(crate) fn cases() -> Vec<Case> {
    [
        breadcrumbs::cases(),
        closing::cases(),
        joining::cases(),
        losing::cases(),
        observing::cases(),
        override_node::cases(),
        overriding::cases(),
        random_faults::cases(),
        running::cases(),
        static_form::cases(),
        suspending::cases(),
        terms::cases(),
        transferring::cases(),
    ]
    .concat()
}

const PATH: &str = "/elections/a";

fn election(client: &Client, id: &str) -> Election {
    Election::new(client, PATH).unwrap().id(id)
}

async fn until_role(candidate: &Candidate, wanted: impl Fn(&Role) -> bool) -> Role {
    candidate.state().wait_for(wanted).await.unwrap().clone()
}

async fn until_follower(candidate: &Candidate) {
    until_role(candidate, |role| matches!(role, Role::Follower { .. })).await;
}

fn is_leader(role: &Role) -> bool {
    matches!(role, Role::Leader { .. })
}

/// A candidate that has a place behind all who were there before.
async fn joined(election: &Election) -> Candidate {
    let candidate = election.join();
    until_role(&candidate, |role| is_leader(role) || matches!(role, Role::Follower { .. })).await;
    candidate
}

/// A candidate that leads.
async fn leading(election: &Election) -> (Candidate, Leadership) {
    let mut candidate = election.join();
    let leadership = candidate.leadership().await.unwrap();
    (candidate, leadership)
}

/// All roles, from the present one to the end of the channel: in virtual time; elsewhere one that looks
/// late may miss some.
fn history(candidate: &Candidate) -> JoinHandle<Vec<Role>> {
    let mut state = candidate.state();
    let mut seen = vec![state.borrow_and_update().clone()];
    tokio::spawn(async move {
        while state.changed().await.is_ok() {
            seen.push(state.borrow_and_update().clone());
        }
        seen
    })
}

async fn ids(client: &Client) -> Vec<String> {
    let candidates = election(client, "").candidates().await.unwrap();
    candidates.into_iter().map(|candidate| candidate.id).collect()
}

/// Waits until exactly these are in the queue, in this order.
async fn until_ids(client: &Client, wanted: &[&str]) {
    while ids(client).await != wanted {
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until this one is first, and the others are behind it, in any order.
async fn until_first(client: &Client, first: &str, others: &[&str]) {
    loop {
        let mut ids = ids(client).await;
        if ids.first().is_some_and(|id| id == first) {
            ids.remove(0);
            ids.sort_unstable();
            if ids == others {
                return;
            }
        }
        sleep(Duration::from_millis(10)).await;
    }
}

async fn renewing(server: &TestServer, network: &Network) -> Client {
    server.builder(network).on_expiry(ExpiryPolicy::NewSession).connect().await.unwrap()
}

/// A receiver that has seen everything so far.
fn unseen<T: Clone>(receiver: &watch::Receiver<T>) -> watch::Receiver<T> {
    let mut receiver = receiver.clone();
    receiver.mark_unchanged();
    receiver
}

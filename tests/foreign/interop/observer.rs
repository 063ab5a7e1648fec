//! A session that does nothing but look on, and whether it would find out.

use std::time::Duration;

use tokio::time::timeout;
use zk_client::{AddWatchMode, Client, CreateMode, ErrorCode, EventType, WatchItem, WatchStream};

use super::contender::{claim, connect, take_back};
use super::history::{Claim, History, Rules};
use super::layout::{Access, Layout};
use crate::stage::{Stage, cases};

cases! {
    any: [
        interop_the_observer_follows_claims_in_turn_and_finds_out_one_out_of_turn,
        interop_nobody_can_claim_what_is_claimed,
    ],
    embedded: [
        interop_the_observer_knows_right_from_wrong,
        interop_the_observer_knows_readers_from_writers,
    ],
}

/// Follows a lock.
pub(super) struct Observer {
    pub(super) client: Client,
    changes: WatchStream,
    history: History,
}

impl Observer {
    /// Makes the root of a contest, and follows all that happens below.
    pub(super) async fn start(stage: &Stage, rules: Rules) -> Self {
        let client = connect(stage).await;
        client.create(&rules.root, "").await.unwrap();
        for parent in ["ledger", "sharing"] {
            client.create(&format!("{}/{parent}", rules.root), "").await.unwrap();
        }
        let watch = client.watch(&rules.root, AddWatchMode::PersistentRecursive);
        let changes = watch.capacity(ROOM).send().await.unwrap();
        Self { client, changes, history: History::new(rules) }
    }

    /// Follows until there were so many claims and the lock is free; panics at whatever is wrong.
    pub(super) async fn until(&mut self, claims: usize) -> Vec<Claim> {
        loop {
            let (so_far, is_free) = self.history.so_far();
            if so_far.len() >= claims && is_free {
                return so_far.to_vec();
            }
            let last = so_far.last().cloned();
            let count = so_far.len();
            match timeout(PATIENCE, self.next()).await {
                Ok(Ok(())) => {}
                Ok(Err(wrong)) => panic!("{wrong}; after {count} claims, the last was {last:?}"),
                Err(_) => panic!("nothing happens after {count} of {claims} claims: {last:?}"),
            }
        }
    }

    /// How many contenders have left before it was their turn.
    pub(super) const fn left(&self) -> usize {
        self.history.left()
    }

    /// How many held together with others, at most.
    pub(super) const fn together(&self) -> usize {
        self.history.together()
    }

    /// Takes in one change.
    async fn next(&mut self) -> Result<(), String> {
        match self.changes.next().await {
            Some(Ok(WatchItem::Event(event))) => {
                let zxid = event.zxid.map(|zxid| zxid.0.cast_unsigned());
                self.history.handle(event.event_type, &event.path, zxid)
            }
            other => Err(format!("the observer has missed something: {other:?}")),
        }
    }
}

/// What is found out is only as good as the one who looks: a lock that is claimed by the second.
async fn interop_the_observer_follows_claims_in_turn_and_finds_out_one_out_of_turn(stage: Stage) {
    let root = "/interop-observed";
    let mut observer = Observer::start(&stage, Rules::new(root, Layout::CuratorLock)).await;
    let client = connect(&stage).await;
    client.create(&format!("{root}/lock"), "").await.unwrap();
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let path = format!("{root}/lock/lock-");
        let create = client.create(&path, "").mode(CreateMode::EphemeralSequential);
        let created = create.await.unwrap();
        let node = created.path.rsplit('/').next().unwrap().to_owned();
        nodes.push((node, created.stat.czxid.0.cast_unsigned()));
    }
    let (first, token) = &nodes[0];
    claim(&client, root, "a", Access::Alone, (first, *token)).await.unwrap();
    take_back(&client, root, "a", Access::Alone).await;
    client.delete(&format!("{root}/lock/{first}")).await.unwrap();
    let (last, token) = &nodes[2];
    claim(&client, root, "c", Access::Alone, (last, *token)).await.unwrap();

    let wrong = loop {
        if let Err(wrong) = timeout(PATIENCE, observer.next()).await.unwrap() {
            break wrong;
        }
    };
    assert!(wrong.contains("c claims out of turn"), "{wrong}");
    assert_eq!(observer.history.so_far().0.len(), 1);
    client.close().await.unwrap();
    observer.client.close().await.unwrap();
}

async fn interop_nobody_can_claim_what_is_claimed(stage: Stage) {
    let root = "/interop-claimed";
    let observer = Observer::start(&stage, Rules::new(root, Layout::CuratorLock)).await;
    let other = connect(&stage).await;
    claim(&observer.client, root, "a", Access::Alone, ("a", 1)).await.unwrap();
    let refused = claim(&other, root, "b", Access::Alone, ("b", 2)).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::NodeExists));
    assert_eq!(other.children(&format!("{root}/ledger")).await.unwrap().len(), 1);
    take_back(&observer.client, root, "a", Access::Alone).await;
    claim(&other, root, "b", Access::Alone, ("b", 2)).await.unwrap();
    other.close().await.unwrap();
    observer.client.close().await.unwrap();
}

/// What happens below the root, and what is wrong about it.
fn check(layout: Layout, steps: &[(EventType, &str, u64)], wrong: Option<&str>) {
    let mut history = History::new(Rules::new("/r", layout));
    let mut outcomes = steps
        .iter()
        .map(|(event, path, zxid)| history.handle(*event, &format!("/r/{path}"), Some(*zxid)));
    match (outcomes.find_map(Result::err), wrong) {
        (None, None) => {}
        (Some(error), Some(wrong)) => assert!(error.contains(wrong), "{error}, not {wrong}"),
        (found, wrong) => panic!("{found:?}, not {wrong:?}: {steps:?}"),
    }
}

/// The claim of who has this node.
fn ledger(who: &str, node: &str, token: u64) -> String {
    format!("ledger/{who},{},{token:x},0000000000", node.trim_start_matches("lock/"))
}

async fn interop_the_observer_knows_right_from_wrong(_stage: Stage) {
    use EventType::{NodeCreated, NodeDataChanged, NodeDeleted};
    let check = |steps: &[_], wrong| check(Layout::CuratorLock, steps, wrong);
    let [a, b] = ["lock/x-lock-0000000001", "lock/lock-0000000002"];
    let (enter_a, enter_b) = ((NodeCreated, a, 7), (NodeCreated, b, 8));
    let (hold, free) = ((NodeCreated, "held", 9), (NodeDeleted, "held", 9));
    let (claim_a, claim_b) = (ledger("a", a, 7), ledger("b", b, 8));
    let (claim_a, claim_b) = ((NodeCreated, &*claim_a, 9), (NodeCreated, &*claim_b, 9));
    let (leave_a, leave_b) = ((NodeDeleted, a, 10), (NodeDeleted, b, 10));
    let wrong_token = ledger("a", a, 6);

    let in_turn = [enter_a, enter_b, hold, claim_a, free, leave_a, hold, claim_b, free, leave_b];
    check(&in_turn, None);
    check(&[enter_a, enter_b, leave_a, hold, claim_b, free, leave_b], None);
    check(&[enter_a, enter_b, hold, claim_b], Some("out of turn"));
    check(&[enter_b, hold, claim_b, free, enter_a, hold, claim_a], Some("after 8"));
    check(&[enter_a, hold, (NodeCreated, &*wrong_token, 9)], Some("is of"));
    check(&[enter_a, claim_a], Some("without holding"));
    check(&[enter_a, hold, claim_a, leave_a], Some("although it claims"));
    check(&[hold, claim_a], Some("not there"));
    check(&[hold, hold], Some("twice"));
    check(&[free], Some("twice"));
    check(&[enter_a, enter_a], Some("has the number"));
    check(&[leave_a], Some("was not there"));
    check(&[(NodeCreated, "lock/x__lock__0000000001", 7)], Some("no contender"));
    check(&[(NodeCreated, "lock/lock-1", 7)], Some("no contender"));
    check(&[(NodeDataChanged, a, 7)], Some("unexpected"));
}

async fn interop_the_observer_knows_readers_from_writers(_stage: Stage) {
    use EventType::{NodeCreated, NodeDeleted};
    let check = |steps: &[_], wrong| check(Layout::CuratorReadWrite, steps, wrong);
    let [r, s, w] =
        ["lock/a-__READ__0000000001", "lock/b-__READ__0000000003", "lock/w-__WRIT__0000000002"];
    let (enter_r, enter_w, enter_s) =
        ((NodeCreated, r, 1), (NodeCreated, w, 2), (NodeCreated, s, 3));
    let (share_r, share_s) = ((NodeCreated, "sharing/r", 4), (NodeCreated, "sharing/s", 4));
    let (back_r, hold) = ((NodeDeleted, "sharing/r", 5), (NodeCreated, "held", 4));
    let claims = [ledger("r", r, 1), ledger("s", s, 3), ledger("w", w, 2)];
    let [claim_r, claim_s, claim_w] =
        [&*claims[0], &*claims[1], &*claims[2]].map(|claim| (NodeCreated, claim, 4));
    let leave_r = (NodeDeleted, r, 6);

    check(&[enter_r, enter_s, share_r, claim_r, share_s, claim_s, back_r, leave_r], None);
    check(&[enter_r, share_r, claim_r, back_r, leave_r, enter_w, hold, claim_w], None);
    check(&[enter_r, enter_w, enter_s, share_s, claim_s], Some("out of turn"));
    check(&[enter_r, enter_w, hold, claim_w], Some("out of turn"));
    check(&[enter_w, hold, claim_w, share_s], Some("holds alone"));
    check(&[enter_r, share_r, claim_r, hold], Some("held alone beside"));
    check(&[enter_r, claim_r], Some("without sharing"));
    check(&[enter_r, share_r, claim_r, leave_r], Some("although it claims"));
    check(&[back_r], Some("does not share"));
}

/// So many changes may wait to be looked at.
const ROOM: usize = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(30);

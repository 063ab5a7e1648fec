//! Owners, told by their keys.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zk_recipes::{Janitor, LostReason, Ownership, RecipeError, Released};
use zk_test_kit::{TestServer, drop_after_polls};

use super::{lock, nodes, reentrant};

zk_test_kit::cases![
    an_owner_gets_in_again_at_once,
    an_owner_leaves_with_its_last_guard,
    another_owner_of_the_same_lock_waits,
    clones_know_each_others_owners_and_other_locks_do_not,
    owners_exclude_each_other_however_often_they_enter,
    those_who_acquire_with_one_key_at_once_share_one_place,
    a_dropped_first_acquire_strands_nobody,
    an_acquire_dropped_at_any_moment_leaves_the_lock_usable,
    an_owner_that_has_lost_the_lock_begins_anew,
    an_owner_that_is_cut_off_is_not_let_in_until_it_is_known_to_hold,
];

async fn an_owner_gets_in_again_at_once(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let lock = reentrant(&client);
    let first = lock.acquire("ada").await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let before = network.counts().requests;
    let second = lock.acquire("ada").await.unwrap();
    let third = lock.acquire_timeout("ada", Duration::from_secs(1)).await.unwrap();
    assert_eq!(network.counts().requests, before, "nothing is asked");
    assert_eq!((first.count(), *third.owner()), (3, "ada"));
    assert_eq!(first.token(), third.token());
    assert_eq!(first.path(), second.path());
    drop((first, second, third));
    lock.acquire("ada").await.unwrap().release().await.unwrap();
}

async fn an_owner_leaves_with_its_last_guard(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let lock = reentrant(&client);
    let first = lock.acquire("ada").await.unwrap();
    let second = lock.acquire("ada").await.unwrap();
    let third = lock.acquire("ada").await.unwrap();
    assert_eq!(nodes(&other).await, 1);
    assert_eq!(first.release().await.unwrap(), None);
    drop(third);
    Janitor::of(&client).drain().await;
    assert_eq!((nodes(&other).await, second.count()), (1, 1));
    second.verify().await.unwrap();
    assert_eq!(second.release().await.unwrap(), Some(Released::Now));
    assert_eq!(nodes(&other).await, 0);
}

async fn another_owner_of_the_same_lock_waits(server: &TestServer) {
    let client = server.client().await;
    let lock = reentrant(&client);
    let ada = lock.acquire("ada").await.unwrap();
    let short = Duration::from_millis(100);
    assert_eq!(lock.acquire_timeout("bob", short).await.unwrap_err(), RecipeError::Timeout);
    // The inner release of one is not that of the lock.
    lock.acquire("ada").await.unwrap().release().await.unwrap();
    assert_eq!(lock.acquire_timeout("bob", short).await.unwrap_err(), RecipeError::Timeout);
    let bob = {
        let lock = lock.clone();
        tokio::spawn(async move { lock.acquire("bob").await })
    };
    while nodes(&client).await != 2 {
        sleep(Duration::from_millis(10)).await;
    }
    let token = ada.token();
    ada.release().await.unwrap();
    let bob = bob.await.unwrap().unwrap();
    assert!(bob.token() > token);
    bob.release().await.unwrap();
}

async fn clones_know_each_others_owners_and_other_locks_do_not(server: &TestServer) {
    let client = server.client().await;
    let one = reentrant(&client);
    let held = one.acquire("ada").await.unwrap();
    let again = one.clone().acquire("ada").await.unwrap();
    let short = Duration::from_millis(100);
    let other = reentrant(&client);
    assert_eq!(other.acquire_timeout("ada", short).await.unwrap_err(), RecipeError::Timeout);
    drop((held, again));
    other.acquire("ada").await.unwrap().release().await.unwrap();
}

/// Who is inside, and by how many of its tasks.
#[derive(Default)]
struct Inside(Mutex<(usize, usize)>);

impl Inside {
    fn enter(&self, owner: usize) {
        let mut inside = self.0.lock().unwrap();
        assert!(inside.1 == 0 || inside.0 == owner, "{} is inside, too", inside.0);
        *inside = (owner, inside.1 + 1);
    }

    fn leave(&self) {
        self.0.lock().unwrap().1 -= 1;
    }
}

async fn owners_exclude_each_other_however_often_they_enter(server: &TestServer) {
    let inside = Arc::new(Inside::default());
    let lock = reentrant(&server.client().await);
    let mut owners = JoinSet::new();
    for (number, key) in ["ada", "bob", "cyd", "dan"].into_iter().enumerate() {
        // Each of an owner's tasks enters twice.
        for _ in 0..3 {
            let (lock, inside) = (lock.clone(), Arc::clone(&inside));
            owners.spawn(async move {
                for _ in 0..5 {
                    let outer = lock.acquire(key).await.unwrap();
                    let inner = lock.acquire(key).await.unwrap();
                    inside.enter(number);
                    sleep(Duration::from_millis(2)).await;
                    inside.leave();
                    inner.release().await.unwrap();
                    outer.release().await.unwrap();
                }
            });
        }
    }
    owners.join_all().await;
    assert_eq!(nodes(&server.client().await).await, 0);
}

async fn those_who_acquire_with_one_key_at_once_share_one_place(server: &TestServer) {
    let (holder, client) = (server.client().await, server.client().await);
    let held = lock(&holder).acquire().await.unwrap();
    let reentrant = reentrant(&client);
    let mut waiters = JoinSet::new();
    for _ in 0..5 {
        let reentrant = reentrant.clone();
        waiters.spawn(async move { reentrant.acquire("ada").await.unwrap() });
    }
    while nodes(&holder).await != 2 {
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_millis(50)).await;
    assert_eq!(nodes(&holder).await, 2);
    held.release().await.unwrap();
    let guards = waiters.join_all().await;
    assert_eq!(guards[0].count(), 5);
    assert_eq!(nodes(&holder).await, 1);
    drop(guards);
    Janitor::of(&client).drain().await;
    assert_eq!(nodes(&holder).await, 0);
}

async fn a_dropped_first_acquire_strands_nobody(server: &TestServer) {
    let (holder, client) = (server.client().await, server.client().await);
    let held = lock(&holder).acquire().await.unwrap();
    let reentrant = reentrant(&client);
    let acquiring = || {
        let reentrant = reentrant.clone();
        tokio::spawn(async move { reentrant.acquire("ada").await })
    };
    let first = acquiring();
    while nodes(&holder).await != 2 {
        sleep(Duration::from_millis(10)).await;
    }
    let place = lock(&holder).contenders().await.unwrap().remove(1);
    let (second, third) = (acquiring(), acquiring());
    sleep(Duration::from_millis(50)).await;
    first.abort();
    // The next one takes a place of its own.
    loop {
        let contenders = lock(&holder).contenders().await.unwrap();
        if contenders.len() == 2 && contenders[1] != place {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    held.release().await.unwrap();
    let (second, third) = (second.await.unwrap().unwrap(), third.await.unwrap().unwrap());
    assert_eq!(second.token(), third.token());
    drop(third);
    assert_eq!(second.release().await.unwrap(), Some(Released::Now));
}

async fn an_acquire_dropped_at_any_moment_leaves_the_lock_usable(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let lock = reentrant(&client);
    for polls in 1.. {
        let finished = drop_after_polls(lock.acquire("ada"), polls).await.is_some();
        Janitor::of(&client).drain().await;
        assert_eq!(nodes(&other).await, 0, "after {polls} polls");
        let limit = Duration::from_secs(10);
        let guard = lock.acquire_timeout("ada", limit).await.unwrap();
        assert_eq!(guard.count(), 1);
        assert_eq!(guard.release().await.unwrap(), Some(Released::Now));
        if finished {
            break;
        }
    }
}

async fn an_owner_that_has_lost_the_lock_begins_anew(server: &TestServer) {
    let (client, other) = (server.client().await, server.client().await);
    let lock = reentrant(&client);
    let (one, two) = (lock.acquire("ada").await.unwrap(), lock.acquire("ada").await.unwrap());
    other.delete(&one.path()).await.unwrap();
    assert_eq!(two.lost().await, LostReason::NodeDeleted);
    let anew = lock.acquire("ada").await.unwrap();
    assert!(anew.token() > one.token());
    assert_eq!((anew.count(), one.count()), (1, 2));
    assert_eq!(one.release().await.unwrap(), None);
    assert_eq!(two.release().await.unwrap(), Some(Released::AlreadyLost));
    anew.verify().await.unwrap();
    assert_eq!(anew.release().await.unwrap(), Some(Released::Now));
}

async fn an_owner_that_is_cut_off_is_not_let_in_until_it_is_known_to_hold(server: &TestServer) {
    let network = server.network();
    let client = server.client_on(&network).await;
    let lock = reentrant(&client);
    let guard = lock.acquire("ada").await.unwrap();
    let mut ownership = guard.watch();
    network.refuse("a", true);
    network.cut();
    ownership.wait_for(|now| matches!(now, Ownership::Suspended { .. })).await.unwrap();
    let mut again = {
        let lock = lock.clone();
        tokio::spawn(async move { lock.acquire("ada").await })
    };
    assert!(timeout(Duration::from_millis(100), &mut again).await.is_err());
    network.refuse("a", false);
    let again = again.await.unwrap().unwrap();
    assert_eq!(again.token(), guard.token());
    drop(guard);
    assert_eq!(again.release().await.unwrap(), Some(Released::Now));
}

//! Curator's locks and semaphores, by themselves and together with ours.
//!
//! Its program, in `java/`, is told what to do: actor, recipe, path, what. Each actor is a thread.

use std::time::Duration;

use zk_recipes::{Lock, LostReason, RecipeError, Released};

use crate::program::Program;
use crate::stage::{Stage, cases};

cases! {
    any: [
        curator_hands_a_mutex_on_in_the_order_of_arrival,
        curator_reads_together_writes_alone_and_downgrades,
        curator_shares_the_permits_of_a_semaphore,
        curator_takes_a_mutex_that_ours_waits_for,
        curator_waits_for_a_mutex_that_ours_holds,
        curator_tells_what_its_turns_cost,
    ],
    embedded: [
        a_mutex_of_curator_is_ours_when_its_session_expires,
        a_mutex_of_ours_is_curators_when_our_session_expires,
    ],
}

/// Starts the program, and waits until it has a session.
pub(crate) async fn talk(stage: &Stage) -> Program {
    let mut program = stage.curator("talk", &[]);
    program.expect("session ").await;
    program
}

/// Ends the program.
pub(crate) async fn end(mut program: Program) {
    program.say("end").await;
    program.expect_end().await;
}

async fn until_contenders(lock: &Lock, count: usize) {
    while lock.contenders().await.unwrap().len() != count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The names of the nodes in the queue of a lock, in order.
async fn names(lock: &Lock) -> Vec<String> {
    let contenders = lock.contenders().await.unwrap();
    contenders.iter().map(|contender| contender.name().to_owned()).collect()
}

async fn curator_hands_a_mutex_on_in_the_order_of_arrival(stage: Stage) {
    let client = stage.ours().await;
    let queue = Lock::new(&client, "/curator-mutex").unwrap();
    let mut one = talk(&stage).await;
    let mut two = talk(&stage).await;
    one.ask("a mutex /curator-mutex acquire", &["a acquired _c_"]).await;
    // Another time by the same thread is one and the same.
    one.ask("a mutex /curator-mutex acquire", &["a acquired _c_"]).await;
    one.ask("a mutex /curator-mutex release", &["a released"]).await;
    two.say("c mutex /curator-mutex acquire").await;
    until_contenders(&queue, 2).await;
    one.say("b mutex /curator-mutex acquire").await;
    until_contenders(&queue, 3).await;
    two.ask("d mutex /curator-mutex try 100", &["d not acquired"]).await;

    let order = names(&queue).await;
    one.ask("a mutex /curator-mutex contenders", &[&order.join(" ")]).await;
    one.ask("a mutex /curator-mutex release", &["a released"]).await;
    two.expect_line(&format!("c acquired {}", order[1])).await;
    one.ask("a mutex /curator-mutex mine", &["a mine false"]).await;
    two.ask("c mutex /curator-mutex release", &["c released"]).await;
    one.expect_line(&format!("b acquired {}", order[2])).await;
    two.ask("c mutex /curator-mutex release", &["c error IllegalMonitorStateException"]).await;
    end(one).await;
    end(two).await;
    // It was held when the session ended.
    assert_eq!(names(&queue).await, Vec::<String>::new());
    client.close().await.unwrap();
}

async fn curator_reads_together_writes_alone_and_downgrades(stage: Stage) {
    let mut one = talk(&stage).await;
    let mut two = talk(&stage).await;
    one.ask("a read /curator-rw acquire", &["a acquired "]).await;
    two.ask("c read /curator-rw acquire", &["c acquired "]).await;
    one.ask("b write /curator-rw try 100", &["b not acquired"]).await;
    one.ask("a read /curator-rw release", &["a released"]).await;
    two.ask("c read /curator-rw release", &["c released"]).await;

    one.ask("b write /curator-rw acquire", &["b acquired "]).await;
    two.ask("c read /curator-rw try 100", &["c not acquired"]).await;
    two.ask("c write /curator-rw try 100", &["c not acquired"]).await;
    one.ask("b read /curator-rw acquire", &["b acquired "]).await;
    one.ask("b write /curator-rw release", &["b released"]).await;
    two.ask("c read /curator-rw acquire", &["c acquired "]).await;
    two.ask("d write /curator-rw try 100", &["d not acquired"]).await;

    let client = stage.ours().await;
    let names = client.children("/curator-rw").await.unwrap();
    assert_eq!(names.len(), 2);
    assert!(names.iter().all(|name| name.contains("-__READ__")), "{names:?}");
    client.close().await.unwrap();
    end(one).await;
    end(two).await;
}

async fn curator_shares_the_permits_of_a_semaphore(stage: Stage) {
    let mut one = talk(&stage).await;
    let mut two = talk(&stage).await;
    one.ask("a semaphore /curator-semaphore acquire 3 2", &["a leases 2"]).await;
    two.ask("b semaphore /curator-semaphore try 3 2 100", &["b not acquired"]).await;
    two.ask("b semaphore /curator-semaphore try 3 1 10000", &["b leases 1"]).await;
    two.ask("c semaphore /curator-semaphore try 3 1 100", &["c not acquired"]).await;

    let client = stage.ours().await;
    let mut leases = client.children("/curator-semaphore/leases").await.unwrap();
    leases.sort_unstable();
    let told = leases.iter().map(|name| &**name).collect::<Vec<_>>().join(" ");
    one.ask("a semaphore /curator-semaphore participants", &[&told]).await;
    one.say("a semaphore /curator-semaphore nodes").await;
    let mine = one.expect("a nodes ").await;
    assert!(mine.split(' ').skip(2).all(|name| name.contains("-lease-") && told.contains(name)));
    assert!(client.children("/curator-semaphore/locks").await.unwrap().is_empty());

    two.say("d semaphore /curator-semaphore acquire 3 2").await;
    one.ask("a semaphore /curator-semaphore release", &["a leases 1"]).await;
    one.ask("a semaphore /curator-semaphore release", &["a leases 0"]).await;
    two.expect_line("d leases 2").await;
    end(one).await;
    end(two).await;
    assert!(client.children("/curator-semaphore/leases").await.unwrap().is_empty());
    client.close().await.unwrap();
}

async fn curator_takes_a_mutex_that_ours_waits_for(stage: Stage) {
    let client = stage.ours().await;
    let lock = Lock::new(&client, "/curator-shared-1").unwrap();
    let mut curator = talk(&stage).await;
    curator.ask("a mutex /curator-shared-1 acquire", &["a acquired"]).await;
    assert!(matches!(lock.try_acquire().await, Err(RecipeError::Contended)));
    let waiting = lock.enqueue().await.unwrap();
    let order = names(&lock).await;
    curator.ask("a mutex /curator-shared-1 contenders", &[&order.join(" ")]).await;
    curator.ask("a mutex /curator-shared-1 release", &["a released"]).await;
    let guard = waiting.acquire().await.unwrap();
    curator.ask("a mutex /curator-shared-1 try 100", &["a not acquired"]).await;
    assert_eq!(guard.release().await.unwrap(), Released::Now);
    curator.ask("a mutex /curator-shared-1 try 10000", &["a acquired"]).await;
    end(curator).await;
    client.close().await.unwrap();
}

async fn curator_waits_for_a_mutex_that_ours_holds(stage: Stage) {
    let client = stage.ours().await;
    let lock = Lock::new(&client, "/curator-shared-2").unwrap();
    let guard = lock.acquire().await.unwrap();
    let mut curator = talk(&stage).await;
    curator.say("a mutex /curator-shared-2 acquire").await;
    until_contenders(&lock, 2).await;
    let next = names(&lock).await.pop().unwrap();
    assert_eq!(guard.release().await.unwrap(), Released::Now);
    curator.expect_line(&format!("a acquired {next}")).await;
    assert!(matches!(lock.try_acquire().await, Err(RecipeError::Contended)));
    curator.ask("a mutex /curator-shared-2 release", &["a released"]).await;
    lock.try_acquire().await.unwrap().release().await.unwrap();
    end(curator).await;
    client.close().await.unwrap();
}

async fn a_mutex_of_curator_is_ours_when_its_session_expires(stage: Stage) {
    let client = stage.ours().await;
    let lock = Lock::new(&client, "/curator-shared-3").unwrap();
    let mut curator = talk(&stage).await;
    curator.ask("a mutex /curator-shared-3 acquire", &["a acquired"]).await;
    let holder = names(&lock).await.remove(0);
    let holder = client.exists(&format!("/curator-shared-3/{holder}")).await.unwrap().unwrap();
    let waiting = lock.enqueue().await.unwrap();
    assert!(stage.server().expire_session(holder.ephemeral_owner));
    waiting.acquire().await.unwrap().release().await.unwrap();
    curator.expect("connection LOST").await;
    client.close().await.unwrap();
}

async fn a_mutex_of_ours_is_curators_when_our_session_expires(stage: Stage) {
    let client = stage.ours().await;
    let lock = Lock::new(&client, "/curator-shared-4").unwrap();
    let guard = lock.acquire().await.unwrap();
    let owner = client.exists(&guard.path()).await.unwrap().unwrap().ephemeral_owner;
    let mut curator = talk(&stage).await;
    curator.say("a mutex /curator-shared-4 acquire").await;
    until_contenders(&lock, 2).await;
    let next = names(&lock).await.pop().unwrap();
    assert!(stage.server().expire_session(owner));
    curator.expect_line(&format!("a acquired {next}")).await;
    // A server tells an owner that its node goes before it hangs up.
    let reason = guard.lost().await;
    assert!(matches!(reason, LostReason::NodeDeleted | LostReason::SessionExpired), "{reason}");
    assert_eq!(guard.release().await.unwrap(), Released::AlreadyLost);
    curator.ask("a mutex /curator-shared-4 mine", &["a mine true"]).await;
    end(curator).await;
}

/// `zk-bench` measures with it.
async fn curator_tells_what_its_turns_cost(stage: Stage) {
    let client = stage.ours().await;
    let mut program = stage.curator("measure", &[]);
    for order in ["/curator-cost-1 1 1 20", "/curator-cost-2 3 2 20"] {
        program.ask(order, &["standing"]).await;
        program.say("go").await;
        let answer = program.expect(" ").await;
        let numbers: Vec<u64> = answer.split(' ').map(|number| number.parse().unwrap()).collect();
        let [_cpu, took, median, slow] = *numbers else { panic!("{answer}") };
        assert!(median <= slow && slow <= took, "{answer}");
        program.ask("on", &["finished"]).await;
        let path = order.split(' ').next().unwrap();
        // All have left; a container that is empty may be gone, too.
        let left = client.children(path).await.unwrap_or_default();
        assert!(left.is_empty(), "{left:?}");
    }
    program.expect_end().await;
    client.close().await.unwrap();
}

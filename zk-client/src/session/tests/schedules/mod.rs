//! Whatever happens in whatever order, some things always hold. The [`world`] checks them after
//! every step.

mod ensemble;
mod listeners;
#[cfg(feature = "sasl")]
mod sasl;
mod seen;
mod server;
mod watch_tables;
mod world;

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use seen::Seen;
use world::World;

/// One thing that happens to a session.
#[derive(Clone, Debug)]
enum Step {
    Read,
    WatchedRead,
    Write,
    /// Somebody stops waiting for a request.
    GoAway(usize),
    Close,
    /// The session is left to somebody else.
    Detach,
    /// Somebody goes on with a session that was left.
    Resume,
    /// The server forgets the session.
    Expire,
    /// Somebody stops waiting for a one-shot watch.
    DropWatch(usize),
    /// Somebody wants to listen to a persistent watch.
    Subscribe(usize),
    /// Somebody stops listening, or waiting to.
    Unsubscribe(usize),
    /// Something changes that persistent watches hear of.
    Change(usize),
    /// What was dialled is connected.
    Connect,
    /// The server grants the session that is asked for, if it knows it.
    Grant,
    /// All that it takes to a server that has lost its ensemble, and grants a session of its own to
    /// who puts up with that.
    GrantReadOnly,
    /// The server that is asked whether it is writable answers.
    Probed(bool),
    /// The server loses its leader, or its leader the quorum; or finds it again.
    CutOff(bool),
    /// The server does not know the session any more.
    /// The server says that it does not know the session.
    Refuse,
    /// The shell takes what is to be written.
    Take,
    /// The server carries out the next request, and answers it.
    Answer,
    /// The server answers with an error.
    AnswerError,
    /// A watch that the server has fires.
    Event(usize),
    /// The shell hands over a part of what has arrived.
    Deliver(usize),
    /// All that it takes from a lost connection to a new one.
    Reconnect,
    Disconnect,
    Pass(Duration),
    Garbage(Vec<u8>),
    /// There is another list of hosts.
    UpdateHosts(usize),
    /// A name is resolved, or is not.
    Resolve(usize),
    AddCredential(usize),
    /// The server does not take the client for who it says it is.
    RefuseCredential,
    /// Somebody takes a handle that is bound to the present session.
    Bind,
    BoundRead,
    BoundWrite,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Read),
        2 => Just(Step::WatchedRead),
        4 => Just(Step::Write),
        1 => any::<usize>().prop_map(Step::GoAway),
        2 => any::<usize>().prop_map(Step::DropWatch),
        3 => any::<usize>().prop_map(Step::Subscribe),
        2 => any::<usize>().prop_map(Step::Unsubscribe),
        4 => any::<usize>().prop_map(Step::Change),
        2 => Just(Step::Connect),
        2 => Just(Step::Grant),
        2 => Just(Step::GrantReadOnly),
        2 => any::<bool>().prop_map(Step::Probed),
        1 => any::<bool>().prop_map(Step::CutOff),
        3 => Just(Step::Reconnect),
        8 => Just(Step::Take),
        8 => Just(Step::Answer),
        1 => Just(Step::AnswerError),
        2 => any::<usize>().prop_map(Step::Event),
        4 => (0_usize..100).prop_map(Step::Deliver),
        6 => Just(Step::Deliver(usize::MAX)),
        1 => Just(Step::Disconnect),
        1 => any::<usize>().prop_map(Step::UpdateHosts),
        3 => any::<usize>().prop_map(Step::Resolve),
        1 => any::<usize>().prop_map(Step::AddCredential),
        1 => Just(Step::Bind),
        1 => Just(Step::BoundRead),
        1 => Just(Step::BoundWrite),
        1 => Just(Step::Expire),
        1 => Just(Step::Resume),
        4 => (0_u64..1000).prop_map(|millis| Step::Pass(Duration::from_millis(millis))),
        1 => (0_u64..30).prop_map(|seconds| Step::Pass(Duration::from_secs(seconds))),
    ]
}

/// Most schedules are of well-behaved servers; in some the session ends, or the server is mad.
fn schedule() -> impl Strategy<Value = Vec<Step>> {
    let rare = prop_oneof![
        Just(Step::Refuse),
        Just(Step::Close),
        Just(Step::Detach),
        Just(Step::RefuseCredential),
        vec(any::<u8>(), 1..40).prop_map(Step::Garbage),
    ];
    (vec(step(), 1..200), vec((any::<prop::sample::Index>(), rare), 0..4)).prop_map(
        |(mut steps, rare)| {
            for (index, step) in rare {
                let at = index.index(steps.len());
                steps.insert(at, step);
            }
            steps
        },
    )
}

proptest! {
    #[test]
    fn every_ticket_comes_back_once_and_no_write_is_repeated(steps in schedule(), seed: u64) {
        let mut world = World::new(seed);
        for step in &steps {
            world.take_step(step);
        }
        world.end();
    }
}

/// The schedules above are of use only if they get somewhere.
#[test]
fn schedules_reach_what_they_are_to_test() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = Seen::default();
    for seed in 0..200 {
        let steps = schedule().new_tree(&mut runner).unwrap().current();
        let mut world = World::new(seed);
        for step in &steps {
            world.take_step(step);
        }
        seen = seen.and(world.end());
    }
    for (times, least) in [
        (seen.answered, 300),
        (seen.timed_out, 200),
        (seen.in_doubt, 200),
        (seen.notified, 5),
        (seen.told, 20),
        (seen.gaps, 20),
        (seen.cleaned, 40),
        (seen.resumed, 50),
        (seen.over, 50),
        (seen.read_only, 20),
        (seen.moved, 2),
        (seen.proven, 50),
        (seen.lists, 50),
        (seen.resolved, 100),
        (seen.dialled_all, 20),
        (seen.known, 20),
        (seen.bound, 20),
        (seen.bound_over, 5),
        (seen.renewed, 20),
        (seen.detached, 5),
        (seen.taken_over, 2),
    ] {
        assert!(times > least, "{times} times, not {least}: {seen:?}");
    }
}

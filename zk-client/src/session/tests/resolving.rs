//! Names that are resolved for a round.

use std::time::Duration;

use super::fixture::{Desk, ID, T, options};
use crate::connect_string::HostPort;
use crate::endpoint::Endpoint;
use crate::session::output::Timer;
use crate::session::{Output, Session, SessionOptions, SubmitError, Trouble};

fn desk(hosts: &[&str], one_round: bool) -> Desk {
    let mut desk = Desk::new();
    let options = SessionOptions { wants_addresses: true, one_round, ..options() };
    let hosts = hosts.iter().map(|name| HostPort::new(*name, 2181)).collect();
    desk.session = Session::new(options, hosts, desk.now);
    desk
}

fn resolve(desk: &mut Desk, name: &str, last: &[u8]) {
    let addresses = last.iter().map(|last| ([10, 0, 0, *last], 2181).into()).collect();
    desk.session.handle_resolved(desk.now, &HostPort::new(name, 2181), Ok(addresses));
}

fn cannot_resolve(desk: &mut Desk, name: &str) {
    let result = Err("no such host".to_owned());
    desk.session.handle_resolved(desk.now, &HostPort::new(name, 2181), result);
}

fn next_dialled(desk: &mut Desk) -> Endpoint {
    match desk.session.poll_output() {
        Output::Dial(endpoint) => endpoint,
        output => panic!("{output:?}"),
    }
}

#[test]
fn names_are_resolved_before_a_round_and_again_before_the_next() {
    let mut desk = desk(&["zk1", "zk2"], false);
    assert_eq!(desk.after(Duration::ZERO), ["resolve zk1 zk2"]);
    resolve(&mut desk, "zk1", &[1]);
    assert!(desk.outputs().is_empty(), "the other one may be there in a moment");
    resolve(&mut desk, "zk2", &[2]);
    let first = next_dialled(&mut desk);
    desk.disconnect();
    desk.session.handle_timeout(desk.now);
    assert_ne!(next_dialled(&mut desk), first);
    desk.disconnect();
    assert_eq!(desk.dial(), ["resolve zk1 zk2"]);
    // A pod has come back with another address.
    resolve(&mut desk, "zk1", &[11]);
    resolve(&mut desk, "zk2", &[12]);
    let address = next_dialled(&mut desk).address.unwrap().to_string();
    assert!(["10.0.0.11:2181", "10.0.0.12:2181"].contains(&address.as_str()), "{address}");
}

#[test]
fn a_slow_name_holds_up_the_others_for_a_moment_only() {
    let mut desk = desk(&["fast", "slow"], false);
    desk.after(Duration::ZERO);
    resolve(&mut desk, "fast", &[1]);
    assert_eq!(desk.due(), Some((Duration::from_millis(50), Timer::Resolve)));
    assert_eq!(desk.after(Duration::from_millis(50)), ["dial"]);
    desk.disconnect();
    assert!(desk.due().unwrap().0 <= Duration::from_millis(100), "nobody waits for it");
    assert_eq!(desk.dial(), ["resolve fast"], "the other look-up still goes on");
    resolve(&mut desk, "slow", &[2]);
    cannot_resolve(&mut desk, "fast");
    assert_eq!(next_dialled(&mut desk).host.host, "slow");
}

#[test]
fn names_that_cannot_be_resolved_are_asked_for_again_after_a_pause() {
    let mut desk = desk(&["zk1", "zk2"], false);
    for _ in 0..5 {
        assert_eq!(desk.dial(), ["resolve zk1 zk2"]);
        cannot_resolve(&mut desk, "zk1");
        resolve(&mut desk, "zk2", &[]);
        assert!(desk.outputs().is_empty());
        let (pause, why) = desk.due().unwrap();
        assert!(pause >= Duration::from_millis(50) && why == Timer::Redial);
    }
    let trouble = desk.session.last_trouble().unwrap().to_string();
    assert_eq!(trouble, "zk2:2181 was not resolved: no address");
}

#[test]
fn look_ups_that_are_never_answered_do_not_stop_the_search() {
    let mut desk = desk(&["zk1"], false);
    desk.dial();
    assert_eq!(desk.due(), Some((Duration::from_secs(10), Timer::Resolve)));
    assert!(desk.after(Duration::from_secs(10)).is_empty());
    assert!(desk.dial().is_empty(), "it is not asked for twice at a time");
    resolve(&mut desk, "zk1", &[1]);
    assert_eq!(desk.outputs(), ["dial"]);
}

#[test]
fn the_time_of_a_round_is_for_all_addresses_of_it() {
    let mut desk = desk(&["many", "one"], false);
    desk.dial();
    resolve(&mut desk, "many", &[1, 2, 3, 4, 5]);
    resolve(&mut desk, "one", &[6]);
    assert_eq!(desk.outputs(), ["dial"]);
    assert_eq!(desk.due(), Some((T / 6, Timer::Attempt)));
}

#[test]
fn one_round_ends_when_every_host_has_failed_and_not_before() {
    let mut desk = desk(&["fast", "slow"], true);
    desk.dial();
    resolve(&mut desk, "fast", &[1]);
    assert_eq!(desk.after(Duration::from_millis(50)), ["dial"]);
    desk.disconnect();
    assert!(desk.dial().is_empty(), "there is one more to come");
    resolve(&mut desk, "slow", &[2]);
    assert_eq!(desk.outputs(), ["dial"]);
    desk.session.handle_disconnected(desk.now, Trouble::Io("refused".into()));
    assert_eq!(desk.outputs(), ["closed"]);
    assert_eq!(desk.session.last_trouble().unwrap().to_string(), "refused");
    assert_eq!(desk.session.close(desk.now, None), Err(SubmitError::Closed));
}

#[test]
fn one_round_is_for_the_first_session_only() {
    let mut desk = desk(&["10.0.0.1"], true);
    desk.connect();
    desk.disconnect();
    for _ in 0..3 {
        assert!(desk.dial().contains(&"dial".to_owned()));
        desk.disconnect();
    }
    desk.shake_hands();
    desk.grant(ID, T);
    assert_eq!(desk.outputs(), ["reconnected"]);
}

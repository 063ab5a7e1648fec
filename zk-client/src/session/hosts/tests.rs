//! Rounds, pauses and the rule for moving, without a session.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn host(name: &str) -> HostPort {
    HostPort::new(name, 2181)
}

fn list(names: &str) -> Vec<HostPort> {
    names.split_whitespace().map(host).collect()
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 2181))
}

/// All that is left of a round, as it would be dialled if each attempt failed.
fn dialled(hosts: &mut Hosts) -> Vec<String> {
    std::iter::from_fn(|| hosts.next()).map(|endpoint| endpoint.to_string()).collect()
}

#[test]
fn every_host_gets_its_turn_in_a_round_and_the_order_is_another_each_time() {
    let mut hosts = Hosts::new(list("a b c d e"), false, 7);
    let mut orders = BTreeSet::new();
    for _ in 0..10 {
        assert!(hosts.begin_round().is_empty(), "nothing is to be resolved");
        let order = dialled(&mut hosts);
        let mut sorted = order.clone();
        sorted.sort();
        assert_eq!(sorted, ["a:2181", "b:2181", "c:2181", "d:2181", "e:2181"]);
        orders.insert(order);
    }
    assert!(orders.len() > 5, "{orders:?}");
}

#[test]
fn a_host_that_is_named_twice_is_one() {
    let mut hosts = Hosts::new(list("a b a"), false, 7);
    hosts.begin_round();
    assert_eq!(dialled(&mut hosts).len(), 2);
}

#[test]
fn the_endpoint_that_was_just_lost_comes_last() {
    for seed in 0..50 {
        let mut hosts = Hosts::new(list("a b c"), false, seed);
        hosts.begin_round();
        let lost = hosts.next().unwrap().to_string();
        hosts.established();
        hosts.lost(Duration::from_secs(30));
        hosts.begin_round();
        assert_eq!(dialled(&mut hosts)[2], lost);
    }
}

#[test]
fn all_addresses_of_a_name_are_dialled_and_names_take_turns() {
    for seed in 0..50 {
        let mut hosts = Hosts::new(list("many one"), true, seed);
        assert_eq!(hosts.begin_round(), list("many one"));
        assert_eq!(hosts.round_len(), 2);
        assert!(hosts.resolved(&host("many"), (1..=9).map(address).collect()));
        assert!(hosts.awaits_names());
        assert!(hosts.resolved(&host("one"), vec![address(100), address(100)]));
        assert!(!hosts.awaits_names());
        assert_eq!(hosts.round_len(), 10);
        let order = dialled(&mut hosts);
        let at = order.iter().position(|dialled| dialled.starts_with("one")).unwrap();
        assert!(at < 2, "{order:?}");
        assert_eq!(order.into_iter().collect::<BTreeSet<_>>().len(), 10);
        assert_eq!(hosts.round_len(), 10, "also when all was dialled");
    }
}

#[test]
fn the_first_address_is_drawn_evenly_from_those_of_all_names() {
    let mut first = BTreeMap::<_, usize>::new();
    for seed in 0..4000 {
        let mut hosts = Hosts::new(list("three one"), true, seed);
        hosts.begin_round();
        hosts.resolved(&host("three"), (1..=3).map(address).collect());
        hosts.resolved(&host("one"), vec![address(4)]);
        *first.entry(hosts.next().unwrap().address).or_default() += 1;
    }
    assert_eq!(first.len(), 4);
    assert!(first.values().all(|count| (850..1150).contains(count)), "{first:?}");
}

#[test]
fn hosts_that_are_written_as_addresses_are_not_resolved() {
    let mut hosts = Hosts::new(list("10.0.0.7 ::1 zk"), true, 7);
    assert_eq!(hosts.begin_round(), list("zk"));
    let mut order = dialled(&mut hosts);
    order.sort();
    assert_eq!(order, ["10.0.0.7:2181", "[::1]:2181"]);
}

#[test]
fn a_name_that_is_still_being_resolved_is_not_asked_for_again_and_its_answer_counts() {
    let mut hosts = Hosts::new(list("slow fast"), true, 7);
    assert_eq!(hosts.begin_round(), list("slow fast"));
    hosts.resolved(&host("fast"), vec![address(1)]);
    assert_eq!(dialled(&mut hosts).len(), 1);
    assert!(hosts.is_round_over(false), "nobody waits for the slow one");
    assert!(!hosts.is_round_over(true), "unless every host is to be tried");
    assert_eq!(hosts.begin_round(), list("fast"));
    assert!(hosts.resolved(&host("slow"), vec![address(2)]));
    assert_eq!(dialled(&mut hosts), ["slow:2181 (10.0.0.2:2181)"]);
}

#[test]
fn answers_that_nobody_waits_for_are_passed_over() {
    let mut hosts = Hosts::new(list("a b"), true, 7);
    assert!(!hosts.resolved(&host("a"), vec![address(1)]), "nobody has asked");
    hosts.begin_round();
    hosts.update(list("b"), Source::User);
    assert!(!hosts.resolved(&host("a"), vec![address(1)]), "it has gone from the list");
    hosts.begin_round();
    hosts.established();
    assert!(!hosts.resolved(&host("b"), vec![address(1)]), "there is a session");
    assert!(!hosts.has_endpoint());
}

#[test]
fn a_name_with_very_many_addresses_gives_some_of_them() {
    let mut hosts = Hosts::new(list("a"), true, 7);
    hosts.begin_round();
    hosts.resolved(&host("a"), (0..=255).map(address).collect());
    assert_eq!(dialled(&mut hosts).len(), MOST_ADDRESSES);
}

#[test]
fn the_pause_comes_after_a_round_and_grows_until_a_session_is_established() {
    let timeout = Duration::from_secs(30);
    let mut hosts = Hosts::new(list("a b"), false, 7);
    let mut rounds = Vec::new();
    let fail_a_round = |hosts: &mut Hosts| {
        hosts.begin_round();
        hosts.next();
        assert_eq!(hosts.failed(timeout, false), Duration::ZERO);
        hosts.next();
        hosts.failed(timeout, false)
    };
    for _ in 0..8 {
        rounds.push(fail_a_round(&mut hosts));
    }
    assert!(rounds[0] >= Duration::from_millis(50) && rounds[0] <= Duration::from_millis(100));
    assert!(rounds[3] >= Duration::from_millis(400));
    assert!(rounds.iter().all(|pause| *pause <= timeout / 6));
    hosts.established();
    assert!(fail_a_round(&mut hosts) <= Duration::from_millis(100));
}

proptest! {
    #[test]
    fn no_time_is_too_long_or_too_short_to_reckon_with(
        nanos in 0..=u64::from(u32::MAX) * 1_000_000, attempts: usize, rounds in 0..200_usize, seed: u64,
    ) {
        let timeout = Duration::from_nanos(nanos);
        let limit = attempt_limit(timeout, attempts);
        prop_assert!(limit <= timeout.max(Duration::from_millis(10)));
        prop_assert!(limit >= Duration::from_millis(10));
        let mut random = fastrand::Rng::with_seed(seed);
        let mut pauses = Pauses::default();
        for _ in 0..rounds {
            for pause in [pauses.after_round(timeout, &mut random), pauses.after_loss(timeout, &mut random)] {
                prop_assert!(pause >= Duration::from_millis(5), "{pause:?}");
                prop_assert!(pause <= Duration::from_secs(5), "{pause:?}");
                prop_assert!(pause <= (timeout / 6).max(Duration::from_millis(10)), "{pause:?}");
            }
        }
    }

    #[test]
    fn attempts_fit_into_the_time_unless_they_are_too_many(millis in 1..100_000_u64, attempts in 1..200_usize) {
        let budget = Duration::from_millis(millis);
        let limit = attempt_limit(budget, attempts);
        let all = limit * u32::try_from(attempts).unwrap();
        prop_assert!(all <= budget || limit <= Duration::from_secs(1));
    }
}

/// A client that is connected to one of the hosts; to which one is up to the seed.
fn connected(names: &str, seed: u64) -> (Hosts, String) {
    let mut hosts = Hosts::new(list(names), false, seed);
    hosts.begin_round();
    let at = hosts.next().unwrap().host.host;
    hosts.established();
    (hosts, at)
}

/// Where clients are once all have taken the new list, in parts of 10,000.
fn spread(old: &str, new: &str) -> BTreeMap<String, usize> {
    let mut spread = BTreeMap::new();
    for seed in 0..10_000 {
        let (mut hosts, mut at) = connected(old, seed);
        if hosts.update(list(new), Source::User) {
            hosts.moved();
            hosts.begin_round();
            at = hosts.next().unwrap().host.host;
        }
        *spread.entry(at).or_default() += 1;
    }
    spread
}

#[test]
fn a_fleet_is_spread_evenly_over_every_new_list() {
    for (old, new) in [
        ("a b c", "a b c d e"),
        ("a b c", "a b"),
        ("a b c", "b c d"),
        ("a b c d e", "a b c x"),
        ("a", "x y z"),
        ("a b c", "x y"),
        ("a b", "b c d"),
    ] {
        let spread = spread(old, new);
        let even = 10_000 / list(new).len();
        assert_eq!(spread.len(), list(new).len(), "{old} to {new}: {spread:?}");
        // Ten times the standard deviation or so, with seeds that are the same each time.
        let close = even - 350..even + 350;
        assert!(spread.values().all(|count| close.contains(count)), "{old} to {new}: {spread:?}");
    }
}

#[test]
fn a_client_whose_server_stays_in_a_list_that_is_not_longer_stays_there() {
    for seed in 0..200 {
        let (mut hosts, _) = connected("a b c", seed);
        assert!(!hosts.update(list("c b a"), Source::User));
        let (mut hosts, at) = connected("a b c d", seed);
        assert!(!hosts.update(vec![host(&at)], Source::User));
    }
}

#[test]
fn a_client_that_moves_tries_every_host_and_then_goes_on_as_ever() {
    for seed in 0..200 {
        let (mut hosts, _) = connected("a b c", seed);
        assert!(hosts.update(list("x y z"), Source::User));
        for _ in 0..2 {
            hosts.begin_round();
            let mut order = dialled(&mut hosts);
            order.sort();
            assert_eq!(order, ["x:2181", "y:2181", "z:2181"]);
            hosts.failed(Duration::from_secs(30), false);
        }
    }
}

#[test]
fn a_client_at_an_address_stays_when_the_list_names_it_by_that_address() {
    let mut hosts = Hosts::new(list("zk"), true, 7);
    hosts.begin_round();
    hosts.resolved(&host("zk"), vec![address(7)]);
    hosts.next();
    hosts.established();
    assert!(!hosts.update(list("10.0.0.7"), Source::User));
    assert!(hosts.update(list("10.0.0.8"), Source::User));
}

#[test]
fn what_the_user_has_named_stays_a_last_resort_behind_what_the_ensemble_names() {
    let (mut hosts, _) = connected("balancer", 7);
    assert!(!hosts.update(list("a b"), Source::Ensemble), "it may well be one of the two");
    hosts.lost(Duration::from_secs(30));
    hosts.begin_round();
    let mut order = dialled(&mut hosts);
    order.sort();
    assert_eq!(order, ["a:2181", "b:2181"]);
    hosts.failed(Duration::from_secs(30), false);
    hosts.begin_round();
    assert!(dialled(&mut hosts).contains(&"balancer:2181".to_owned()));
    hosts.update(list("c"), Source::User);
    hosts.begin_round();
    assert_eq!(dialled(&mut hosts), ["c:2181"], "the user has named others");
}

#[test]
fn a_server_that_the_ensemble_has_named_and_names_no_more_is_left() {
    let (mut hosts, _) = connected("a", 7);
    assert!(!hosts.update(list("a"), Source::Ensemble));
    assert!(hosts.update(list("b"), Source::Ensemble));
}

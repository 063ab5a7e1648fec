use std::time::Duration;

use bytes::BytesMut;
use zk_proto::message::{GetDataResponse, NoBody};

use super::fixture::{Desk, ID, T, create, get};
use crate::session::output::Timer;

#[test]
fn sent_reads_go_again_in_order_and_sent_writes_fail_with_unknown_outcome() {
    let mut desk = Desk::serving();
    for (ticket, request) in
        [("r1", get("/1")), ("w1", create("/1")), ("r2", get("/2")), ("w2", create("/2"))]
    {
        desk.submit(ticket, request);
    }
    desk.taken();
    desk.submit("unsent", create("/3"));
    desk.disconnect();
    assert_eq!(
        desk.outputs(),
        ["w1: ConnectionLoss(Unknown)", "w2: ConnectionLoss(Unknown)", "disconnected"]
    );
    desk.submit("late", create("/4"));
    desk.connect();
    let sent: Vec<_> = desk.sent().into_iter().map(|(_, request)| request).collect();
    assert_eq!(sent, [get("/1"), get("/2"), create("/3"), create("/4")]);
    for xid in 5 + 1..=9 {
        desk.reply(xid, &GetDataResponse::default());
    }
    assert_eq!(desk.outputs(), ["r1: ok", "r2: ok", "unsent: ok", "late: ok"]);
}

#[test]
fn bytes_that_the_shell_has_not_taken_count_as_not_sent() {
    let mut desk = Desk::serving();
    desk.submit("taken", create("/1"));
    desk.taken();
    desk.submit("kept", create("/2"));
    desk.disconnect();
    assert_eq!(desk.outputs(), ["taken: ConnectionLoss(Unknown)", "disconnected"]);
    desk.connect();
    assert_eq!(desk.sent()[0].1, create("/2"));
}

#[test]
fn a_read_whose_reader_has_gone_does_not_go_again() {
    let mut desk = Desk::serving();
    desk.submit("gone", get("/1"));
    desk.submit("here", get("/2"));
    desk.taken();
    desk.disconnect();
    desk.connect();
    assert_eq!(desk.sent().len(), 1);
}

#[test]
fn nothing_of_a_lost_connection_is_written_to_the_next_one() {
    let mut desk = Desk::new();
    desk.dial();
    desk.session.handle_connected(desk.now);
    // The shell did not even take the handshake.
    desk.disconnect();
    assert!(desk.taken().is_empty());
    desk.connect();
    desk.submit("w", create("/a"));
    desk.taken();
    desk.disconnect();
    assert!(desk.taken().is_empty());
}

#[test]
fn replies_of_one_read_are_all_taken_and_a_part_of_one_is_kept() {
    let mut desk = Desk::serving();
    desk.submit("a", create("/1"));
    desk.submit("b", create("/2"));
    desk.taken();
    let mut wire = BytesMut::new();
    for xid in [1, 2] {
        zk_proto::frame::put_frame(&mut wire, |out| {
            let header =
                zk_proto::message::ReplyHeader { xid: zk_proto::Xid(xid), ..Default::default() };
            zk_proto::Encode::encode(&header, out);
        });
    }
    let mut tail = wire.split_off(wire.len() - 1);
    desk.session.handle_bytes(desk.now, &mut wire);
    assert_eq!(desk.outputs(), ["a: ok"]);
    wire.unsplit(tail.split());
    desk.session.handle_bytes(desk.now, &mut wire);
    assert_eq!(desk.outputs(), ["b: ok"]);
    assert!(wire.is_empty());
}

#[test]
fn pauses_between_attempts_stay_within_their_bounds() {
    let mut desk = Desk::serving();
    desk.disconnect();
    desk.outputs();
    let mut longest = Duration::ZERO;
    for attempt in 0..60 {
        let (pause, why) = desk.due().unwrap();
        assert_eq!(why, Timer::Redial);
        assert!(pause <= Duration::from_secs(5), "{pause:?}");
        // The first attempt, and then one in each round of three hosts.
        assert_eq!(pause > Duration::ZERO, attempt % 3 == 0, "{attempt}");
        longest = longest.max(pause);
        assert_eq!(desk.after(pause), ["dial"]);
        desk.disconnect();
    }
    assert!(longest > Duration::from_secs(2));
    desk.connect();
    desk.disconnect();
    desk.outputs();
    assert!(desk.due().unwrap().0 <= Duration::from_millis(100));
}

#[test]
fn every_host_gets_its_turn() {
    let mut desk = Desk::new();
    let mut dialled = Vec::new();
    for _ in 0..6 {
        desk.outputs();
        let due = desk.due().unwrap().0;
        desk.now += due;
        desk.session.handle_timeout(desk.now);
        match desk.session.poll_output() {
            crate::session::Output::Dial(endpoint) => dialled.push(endpoint.host.port),
            output => panic!("{output:?}"),
        }
        desk.disconnect();
    }
    assert_eq!(dialled[..3], dialled[3..]);
    dialled.truncate(3);
    dialled.sort_unstable();
    assert_eq!(dialled, [1, 2, 3]);
}

#[test]
fn a_disconnect_while_dialling_is_no_change_of_state() {
    let mut desk = Desk::new();
    desk.dial();
    desk.disconnect();
    assert!(desk.outputs().is_empty());
    desk.shake_hands();
    desk.disconnect();
    assert!(desk.outputs().is_empty());
    desk.connect();
    desk.disconnect();
    assert_eq!(desk.outputs(), ["disconnected"]);
    desk.disconnect();
    assert!(desk.outputs().is_empty(), "told once");
    desk.shake_hands();
    desk.grant(ID, T);
    assert_eq!(desk.outputs(), ["reconnected"]);
    desk.submit("a", create("/a"));
    desk.taken();
    desk.reply(1, &NoBody {});
    assert_eq!(desk.outputs(), ["a: ok"]);
}

use bytes::Bytes;
use zk_proto::message::NoBody;

use super::fixture::{Desk, create, create_with, get, options};
use crate::session::{SessionOptions, SubmitError};

fn big(length: usize) -> Bytes {
    Bytes::from(vec![0; length])
}

#[test]
fn a_request_that_is_too_large_is_refused_and_leaves_no_trace() {
    let mut desk = Desk::serving();
    desk.submit("a", create("/a"));
    let refused = desk.try_submit("big", create_with("/b", big(2000)));
    let Err(SubmitError::RequestTooLarge { length, limit }) = refused else {
        panic!("{refused:?}");
    };
    assert!(length > 2000);
    assert_eq!(limit, 1024);
    desk.submit("c", get("/c"));
    assert_eq!(desk.sent().len(), 2);
    assert!(desk.outputs().is_empty());
}

#[test]
fn a_request_that_is_too_large_is_refused_without_a_connection_too() {
    let mut desk = Desk::new();
    let refused = desk.try_submit("big", create_with("/b", big(2000)));
    assert!(matches!(refused, Err(SubmitError::RequestTooLarge { limit: 1024, .. })));
    desk.connect();
    assert!(desk.taken().is_empty());
}

#[test]
fn a_request_of_just_the_limit_is_sent() {
    let mut desk = Desk::serving();
    desk.submit("a", create_with("/a", Bytes::new()));
    let frame = desk.taken().len() - size_of::<u32>();
    let room = options().max_request - frame;
    assert!(desk.try_submit("fits", create_with("/a", big(room))).is_ok());
    let refused = desk.try_submit("not", create_with("/a", big(room + 1)));
    assert_eq!(refused, Err(SubmitError::RequestTooLarge { length: 1025, limit: 1024 }));
}

#[test]
fn no_more_requests_are_taken_than_may_be_pending() {
    let settings = SessionOptions { max_pending: 2, ..options() };
    let mut desk = Desk::with(settings, 1);
    desk.submit("a", get("/"));
    desk.connect();
    desk.submit("b", get("/"));
    let refused = desk.try_submit("c", get("/"));
    assert_eq!(refused, Err(SubmitError::TooManyRequests));
    desk.taken();
    desk.reply(1, &NoBody {});
    desk.submit("c", get("/"));
}

#[test]
fn no_more_bytes_are_taken_than_may_wait_whether_connected_or_not() {
    let settings = SessionOptions { max_outgoing: 3000, ..options() };
    let flood = |desk: &mut Desk| {
        let mut taken = 0;
        while desk.try_submit("w", create_with("/w", big(900))).is_ok() {
            taken += 1;
            assert!(taken < 100, "no end");
        }
        taken
    };
    let mut waiting = Desk::with(settings.clone(), 1);
    assert_eq!(flood(&mut waiting), 4);
    waiting.connect();
    assert_eq!(flood(&mut waiting), 0, "they are not written yet");
    assert_eq!(waiting.sent().len(), 4);
    assert_eq!(flood(&mut waiting), 4);
    waiting.disconnect();
    assert_eq!(flood(&mut waiting), 0, "they still wait");
    waiting.after(super::fixture::DEADLINE);
    assert_eq!(flood(&mut waiting), 4);
}

#[test]
fn a_close_is_taken_however_much_is_pending() {
    let settings = SessionOptions { max_pending: 0, max_outgoing: 0, max_request: 0, ..options() };
    let mut desk = Desk::with(settings, 1);
    desk.connect();
    assert!(desk.try_submit("a", get("/")).is_err());
    desk.close("close");
    assert_eq!(desk.sent().len(), 1);
    desk.reply(1, &NoBody {});
    assert_eq!(desk.outputs(), ["close: ok", "hang up", "closed"]);
}

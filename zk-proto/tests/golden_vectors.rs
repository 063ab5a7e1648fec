//! Every frame of two real servers, in both directions, decodes into typed records and encodes
//! back into the same bytes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

mod golden;
mod wire_vectors;

use std::collections::BTreeMap;

use golden::message::{Message, received, sent};
use wire_vectors::{DEBIAN_3_8, MASTER, blocks};

#[test]
fn every_frame_survives_the_round_trip() {
    let mut counts = BTreeMap::new();
    let mut count = |server: usize, kind: &'static str| {
        *counts.entry((server, kind)).or_insert(0) += 1;
    };
    for block in blocks() {
        count(block.server, "block");
        for message in sent(&block).into_iter().chain(received(&block)) {
            let kind = match message {
                Message::Connect(_) => "connect request",
                Message::Connected(_) => "connect response",
                Message::Request(_, Some(_)) => "request",
                Message::Request(_, None) => "request of no operation",
                Message::Reply(_, Some(_)) => "reply",
                Message::Reply(_, None) => "refusal",
                Message::Event(..) => "event",
            };
            count(block.server, kind);
        }
        if block.closed {
            count(block.server, "close");
        }
    }
    let expected = [MASTER, DEBIAN_3_8].into_iter().flat_map(|server| {
        [
            ("block", 37),
            ("connect request", 3),
            ("connect response", 3),
            ("request", 32),
            ("request of no operation", 1),
            ("reply", 27),
            ("refusal", 6),
            ("event", 7),
            ("close", 4),
        ]
        .map(|(kind, number)| ((server, kind), number))
    });
    assert_eq!(counts, expected.collect());
}

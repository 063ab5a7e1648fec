//! What a hostile or broken peer sends is refused by name, and never by size.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::fmt::Debug;

use bytes::{BufMut, Bytes, BytesMut};
use zk_proto::data::{Acl, Id, Stat};
use zk_proto::jute::{DecodeProblem, Reader};
use zk_proto::message::*;
use zk_proto::{
    ByteString, Decode, DecodeError, Encode, ErrorCode, Permissions, SessionId, Version,
    WatchedEvent, Zxid,
};

/// Bytes put together by hand.
#[derive(Default)]
struct Wire(BytesMut);

impl Wire {
    fn int(mut self, value: i32) -> Self {
        self.0.put_i32(value);
        self
    }

    fn long(mut self, value: i64) -> Self {
        self.0.put_i64(value);
        self
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.put_slice(bytes);
        self
    }

    /// A string or buffer with its length.
    fn text(self, text: &[u8]) -> Self {
        let length = i32::try_from(text.len()).unwrap();
        self.int(length).bytes(text)
    }

    fn decode<T: Decode>(self) -> Result<T, DecodeError> {
        T::decode(&mut Reader::new(self.0.freeze()))
    }
}

fn wire() -> Wire {
    Wire::default()
}

#[track_caller]
fn check<T: Decode + Debug>(
    wire: Wire,
    (record, field, offset): (&'static str, &'static str, usize),
    problem: DecodeProblem,
) {
    let expected = DecodeError { record, field, offset, problem };
    assert_eq!(wire.decode::<T>().unwrap_err(), expected);
}

const fn truncated(missing: usize) -> DecodeProblem {
    DecodeProblem::Truncated { missing }
}

#[test]
fn an_error_names_the_record_the_field_and_the_byte_where_the_value_begins() {
    let path = || wire().text(b"/a");
    check::<GetDataRequest>(wire(), ("GetDataRequest", "path", 0), truncated(4));
    check::<GetDataRequest>(wire().bytes(b"\0\0"), ("GetDataRequest", "path", 0), truncated(2));
    check::<GetDataRequest>(
        wire().int(5).bytes(b"/a"),
        ("GetDataRequest", "path", 0),
        truncated(3),
    );
    check::<GetDataRequest>(path(), ("GetDataRequest", "watch", 6), truncated(1));
    check::<SetDataRequest>(
        path().int(9).bytes(b"four"),
        ("SetDataRequest", "data", 6),
        truncated(5),
    );
    check::<DeleteRequest>(path().bytes(b"\0"), ("DeleteRequest", "version", 6), truncated(3));
    check::<ReplyHeader>(wire().int(1).int(2), ("ReplyHeader", "zxid", 4), truncated(4));
    check::<Stat>(wire().bytes(&[0; 67]), ("Stat", "pzxid", 60), truncated(1));
}

#[test]
fn an_error_names_the_innermost_record() {
    let before = || wire().text(b"/a").int(-1).int(1).int(31);
    check::<CreateRequest>(before(), ("Id", "scheme", 18), truncated(4));
    check::<CreateRequest>(
        before().text(b"world").int(-2),
        ("Id", "id", 27),
        DecodeProblem::NegativeLength(-2),
    );
    check::<GetDataResponse>(wire().int(0).long(1), ("Stat", "mzxid", 12), truncated(8));
    check::<MultiRequest>(wire().int(2), ("MultiHeader", "done", 4), truncated(1));
    check::<MultiRequest>(
        wire().int(2).bytes(&[0]).int(-1).text(b"/a"),
        ("DeleteRequest", "version", 15),
        truncated(4),
    );
}

#[test]
fn an_error_says_where_it_is_in_words() {
    let error = wire().text(b"/a").decode::<GetDataRequest>().unwrap_err();
    assert_eq!(error.to_string(), "GetDataRequest.watch at byte 6: 1 bytes are missing");
}

#[test]
fn a_multi_takes_no_operation_that_is_not_its_own() {
    let item = |op: i32| wire().int(op).bytes(&[0]).int(-1).text(b"/a").bytes(&[0; 80]);
    let unknown = DecodeProblem::UnknownValue;
    for op in [0, 3, 4, 6, 7, 8, 9, 14, 16, 20, 22, 55, -1, -11, i32::MIN] {
        check::<MultiRequest>(item(op), ("MultiRequest", "type", 0), unknown(op));
    }
    for op in [1, 2, 3, 5, 13, 14, 15, 22, 55, -1] {
        check::<MultiReadRequest>(item(op), ("MultiReadRequest", "type", 0), unknown(op));
    }
    for op in [0, 3, 4, 8, 14, 19, 21, 22] {
        check::<MultiResponse>(item(op), ("MultiResponse", "type", 0), unknown(op));
    }
    for op in [0, 1, 2, 5, 13, 22] {
        check::<MultiReadResponse>(item(op), ("MultiReadResponse", "type", 0), unknown(op));
    }
    let second = wire().int(13).bytes(&[0]).int(0).int(99).bytes(&[0]).int(0);
    check::<MultiResponse>(second, ("MultiResponse", "type", 9), unknown(99));
}

#[test]
fn a_multi_ends_where_it_says_so_whatever_the_opcode() {
    for op in [-1, 0, 1, 99] {
        let end = wire().int(op).bytes(&[1]).int(0);
        assert_eq!(end.decode(), Ok(MultiRequest { ops: Vec::new() }));
    }
    let endless = wire().int(13).bytes(&[0]).int(0);
    check::<MultiResponse>(endless, ("MultiHeader", "op", 9), truncated(4));
}

#[test]
fn a_length_that_cannot_be_true_is_refused_before_anything_is_reserved() {
    let max = i32::MAX;
    let most = usize::try_from(max).unwrap();
    let ten = [0; 10];
    check::<GetAclRequest>(
        wire().int(max).bytes(&ten),
        ("GetAclRequest", "path", 0),
        truncated(most - 10),
    );
    check::<GetDataResponse>(
        wire().int(max).bytes(&ten),
        ("GetDataResponse", "data", 0),
        truncated(most - 10),
    );
    let count = ("GetChildrenResponse", "children", 0);
    check::<GetChildrenResponse>(wire().int(max).bytes(&ten), count, truncated(4 * most - 10));
    check::<GetChildrenResponse>(wire().int(3).bytes(&ten), count, truncated(2));
    check::<GetAclResponse>(
        wire().int(max).bytes(&ten),
        ("GetAclResponse", "acl", 0),
        truncated(4 * most - 10),
    );
}

#[test]
fn counts_within_counts_are_refused_too() {
    let most = usize::try_from(i32::MAX).unwrap();
    let create = |count: i32| {
        let item = wire().int(1).bytes(&[0]).int(-1).text(b"/a").int(-1);
        item.int(count).int(31).text(b"world").text(b"anyone")
    };
    check::<MultiRequest>(create(i32::MAX), ("CreateRequest", "acl", 19), truncated(4 * most - 23));
    // The count fits the bytes that are left, the items do not.
    check::<MultiRequest>(create(5), ("Acl", "perms", 46), truncated(4));
    let lists = wire().long(0).int(0).int(0).int(0).int(1).text(b"/a").int(i32::MAX);
    check::<SetWatches2>(
        lists,
        ("SetWatches2", "persistent_recursive_watches", 30),
        truncated(4 * most),
    );
}

#[test]
fn a_negative_length_is_refused_and_a_negative_count_is_empty() {
    for length in [-2, -100, i32::MIN] {
        let negative = DecodeProblem::NegativeLength(length);
        check::<GetAclRequest>(wire().int(length), ("GetAclRequest", "path", 0), negative);
        check::<GetSaslRequest>(wire().int(length), ("GetSaslRequest", "token", 0), negative);
        let none = wire().int(length).decode::<GetChildrenResponse>();
        assert_eq!(none, Ok(GetChildrenResponse { children: Vec::new() }));
        let none = wire().int(length).decode::<Option<Vec<Acl>>>();
        assert_eq!(none, Ok(Some(Vec::new())));
    }
    assert_eq!(wire().int(-1).decode::<Option<Vec<Acl>>>(), Ok(None));
}

#[test]
fn null_is_refused_where_a_value_is_required() {
    let null = DecodeProblem::Null;
    check::<GetDataRequest>(wire().int(-1).bytes(&[0]), ("GetDataRequest", "path", 0), null);
    check::<GetChildrenResponse>(wire().int(-1), ("GetChildrenResponse", "children", 0), null);
    check::<GetChildrenResponse>(
        wire().int(2).text(b"a").int(-1),
        ("GetChildrenResponse", "children", 9),
        null,
    );
    check::<SetWatches>(
        wire().long(0).int(0).int(-1).int(0),
        ("SetWatches", "exist_watches", 12),
        null,
    );
    check::<WatchedEvent>(wire().int(1).int(3).int(-1), ("WatchedEvent", "path", 8), null);
}

#[test]
fn a_number_outside_its_enumeration_is_refused_and_an_unknown_code_is_kept() {
    let unknown = DecodeProblem::UnknownValue;
    let path = || wire().text(b"/a");
    check::<AddWatchRequest>(path().int(2), ("AddWatchRequest", "mode", 6), unknown(2));
    check::<CheckWatchesRequest>(
        path().int(0),
        ("CheckWatchesRequest", "watcher_type", 6),
        unknown(0),
    );
    check::<RemoveWatchesRequest>(
        path().int(6),
        ("RemoveWatchesRequest", "watcher_type", 6),
        unknown(6),
    );
    check::<WatchedEvent>(wire().int(8).int(3), ("WatchedEvent", "event_type", 0), unknown(8));
    check::<WatchedEvent>(wire().int(1).int(2), ("WatchedEvent", "state", 4), unknown(2));
    let header = wire().int(1).long(2).int(-999).decode::<ReplyHeader>().unwrap();
    assert_eq!(header.err, ErrorCode::Unknown(-999));
    let acl = wire().int(-1).int(-1).int(-1).decode::<Acl>().unwrap();
    assert_eq!(acl.perms, Permissions::from_bits_retain(-1));
    assert_eq!(acl.id, Id::default());
}

#[test]
fn any_byte_but_zero_is_true() {
    for byte in [1, 2, 0x80, 0xff] {
        let request = wire().text(b"/").bytes(&[byte]).decode::<ExistsRequest>();
        assert!(request.unwrap().watch);
    }
}

#[test]
fn an_identity_as_java_writes_it_is_the_character_it_stands_for() {
    let acl = wire()
        .int(1)
        .int(31)
        .text(b"digest")
        .text(&[b'u', 0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80, b':', b'h'])
        .bytes(&[0; 68])
        .decode::<GetAclResponse>()
        .unwrap();
    let id = acl.acl.first().unwrap().id.id.as_ref().unwrap();
    assert_eq!(id, &ByteString::from("u\u{1f600}:h"));
}

/// Every field has its place: the numbers differ, so that no two can be mixed up.
#[test]
fn a_stat_is_68_bytes_in_the_order_of_the_fields() {
    let stat = Stat {
        czxid: Zxid(1),
        mzxid: Zxid(2),
        ctime: 3,
        mtime: 4,
        version: Version(5),
        cversion: Version(6),
        aversion: Version(7),
        ephemeral_owner: SessionId(8),
        data_length: 9,
        num_children: 10,
        pzxid: Zxid(11),
    };
    let expected = wire().long(1).long(2).long(3).long(4);
    let expected = expected.int(5).int(6).int(7).long(8).int(9).int(10).long(11);
    let mut encoded = BytesMut::new();
    stat.encode(&mut encoded);
    assert_eq!(encoded.len(), 68);
    assert_eq!(encoded, expected.0);
}

#[test]
fn a_record_without_fields_takes_nothing() {
    let mut reader = Reader::new(Bytes::from_static(b"rest"));
    assert_eq!(NoBody::decode(&mut reader), Ok(NoBody {}));
    assert_eq!(reader.remaining(), 4);
}

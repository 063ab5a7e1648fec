//! What is encoded is decoded again, by itself and with more behind it, and not when it is cut.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

mod sample;

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use zk_proto::data::{Acl, ClientInfo, Id, Permissions, Stat};
use zk_proto::jute::{DecodeProblem, Reader};
use zk_proto::message::*;
use zk_proto::op::{Request, Response};
use zk_proto::{
    AddWatchMode, ByteString, Decode, DecodeError, Encode, ErrorCode, EventType, KeeperState,
    OpCode, Password, SessionId, Version, WatchedEvent, WatcherType, Xid, Zxid,
};

use sample::{REQUESTS, Sample, response, sample, wire};

type DecodeFn<'a, T> = &'a dyn Fn(&mut Reader) -> Result<T, DecodeError>;

/// Proves that nothing is lost, that bytes behind the value are left alone, and that every
/// prefix is refused with a true account of what is missing.
fn survives<T: Encode + PartialEq + Debug>(value: &T, decode: DecodeFn<'_, T>) {
    comes_back(value, decode);
    let whole = wire(value);
    let more = Bytes::from([&whole[..], b"\x01behind"].concat());
    let mut reader = Reader::new(more);
    assert_eq!(decode(&mut reader).as_ref(), Ok(value));
    assert_eq!(reader.into_rest(), &b"\x01behind"[..]);
    for cut in 0..whole.len() {
        is_refused(&whole, cut, decode);
    }
}

fn comes_back<T: Encode + PartialEq + Debug>(value: &T, decode: DecodeFn<'_, T>) {
    let mut reader = Reader::new(wire(value));
    assert_eq!(decode(&mut reader).as_ref(), Ok(value));
    assert_eq!(reader.remaining(), 0);
}

fn is_refused<T: Debug>(whole: &Bytes, cut: usize, decode: DecodeFn<'_, T>) {
    let error = decode(&mut Reader::new(whole.slice(..cut))).unwrap_err();
    let DecodeProblem::Truncated { missing } = error.problem else {
        panic!("cut at {cut}: {error}");
    };
    assert!(missing >= 1 && missing <= whole.len() - cut, "{error}");
    assert!(error.offset <= cut, "cut at {cut}: {error}");
}

/// Draws values and proves that they survive.
fn check<T: Sample + Encode + Decode + PartialEq>() {
    proptest!(cases(), |(value in sample::<T>())| survives(&value, &T::decode));
}

fn cases() -> ProptestConfig {
    ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() }
}

macro_rules! round_trips {
    ($( $name:ident: $($record:ty),*; )*) => { $(
        #[test]
        fn $name() {
            $( check::<$record>(); )*
        }
    )* };
}

round_trips! {
    primitives_survive: bool, i32, i64, ByteString, Option<ByteString>, Option<Bytes>,
        Vec<ByteString>, Option<Vec<ByteString>>;
    ids_survive: Xid, Zxid, SessionId, Version, Password, Permissions;
    enumerations_survive: ErrorCode, EventType, KeeperState, WatcherType, AddWatchMode;
    data_records_survive: Stat, Id, Acl, ClientInfo, Vec<Acl>, Option<Vec<Acl>>;
    headers_survive: RequestHeader, ReplyHeader, NoBody, WatchedEvent, ErrorResponse;
    creates_survive: CreateRequest, CreateResponse, Create2Response, CreateTtlRequest;
    deletes_survive: DeleteRequest, DeleteContainerRequest;
    data_reads_and_writes_survive: ExistsRequest, ExistsResponse, GetDataRequest, GetDataResponse,
        SetDataRequest, SetDataResponse, CheckVersionRequest;
    acl_reads_and_writes_survive: GetAclRequest, GetAclResponse, SetAclRequest, SetAclResponse;
    listings_survive: GetChildrenRequest, GetChildrenResponse, GetChildren2Request,
        GetChildren2Response, GetEphemeralsRequest, GetEphemeralsResponse,
        GetAllChildrenNumberRequest, GetAllChildrenNumberResponse;
    watch_records_survive: SetWatches, SetWatches2, AddWatchRequest, CheckWatchesRequest,
        RemoveWatchesRequest;
    credentials_survive: AuthPacket, GetSaslRequest, SetSaslResponse, Secret;
    ensemble_records_survive: SyncRequest, SyncResponse, ReconfigRequest, WhoAmIResponse;
    multis_survive: MultiRequest, MultiResponse, MultiReadRequest, MultiReadResponse;
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn connect_requests_survive(request in sample::<ConnectRequest>()) {
        let without = ConnectRequest { read_only: None, ..request.clone() };
        check_handshake(request.read_only, &request, &without);
    }

    #[test]
    fn connect_responses_survive(response in sample::<ConnectResponse>()) {
        let without = ConnectResponse { read_only: None, ..response.clone() };
        check_handshake(response.read_only, &response, &without);
    }
}

/// As [`survives`], but what lacks the last byte is the message of an older peer.
fn check_handshake<T>(read_only: Option<bool>, value: &T, without: &T)
where
    T: Encode + Decode + PartialEq + Debug,
{
    comes_back(value, &T::decode);
    comes_back(without, &T::decode);
    let old = wire(without);
    assert_eq!(old.len() + usize::from(read_only.is_some()), wire(value).len());
    for cut in 0..old.len() {
        is_refused(&old, cut, &T::decode);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..cases() })]

    #[test]
    fn requests_survive(request in sample::<Request>()) {
        let op = request.op_code();
        survives(&request, &|reader| Ok(Request::decode(op, reader)?.unwrap()));
    }

    #[test]
    fn responses_survive((op, response) in response()) {
        survives(&response, &|reader| Ok(Response::decode(op, reader)?.unwrap()));
    }

    #[test]
    fn any_bytes_are_refused_or_understood(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for op in REQUESTS {
            understood_or_refused(*op, &Bytes::copy_from_slice(&bytes));
        }
    }

    #[test]
    fn a_request_with_one_wrong_byte_is_refused_or_understood(
        request in sample::<Request>(),
        at in any::<proptest::sample::Index>(),
        byte in prop_oneof![Just(0_u8), Just(0x7f), Just(0x80), Just(0xff), any::<u8>()],
    ) {
        let mut bytes = BytesMut::from(wire(&request));
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        understood_or_refused(request.op_code(), &bytes.freeze());
    }
}

/// Whatever was understood can be said again.
fn understood_or_refused(op: OpCode, bytes: &Bytes) {
    if let Ok(request) = Request::decode(op, &mut Reader::new(bytes.clone())) {
        comes_back(&request.unwrap(), &|reader| Ok(Request::decode(op, reader)?.unwrap()));
    }
    if let Ok(response) = Response::decode(op, &mut Reader::new(bytes.clone())) {
        comes_back(&response.unwrap(), &|reader| Ok(Response::decode(op, reader)?.unwrap()));
    }
}

#[test]
fn no_operation_is_left_out() {
    let nothing = || Reader::new(Bytes::new());
    let all = (-1000..=1000).filter_map(OpCode::from_code);
    let (mut with_request, without): (Vec<_>, Vec<_>) =
        all.partition(|op| Request::decode(*op, &mut nothing()) != Ok(None));
    let mut drawn = REQUESTS.to_vec();
    drawn.sort_unstable();
    with_request.sort_unstable();
    assert_eq!(drawn, with_request);
    for op in &without {
        assert_eq!(Response::decode(*op, &mut nothing()), Ok(None));
    }
    assert_eq!(without, [OpCode::CreateSession, OpCode::Error, OpCode::Notification]);
}

#[test]
fn long_strings_and_buffers_survive() {
    let path = ByteString::from("/\u{20ac}".repeat(200_000));
    let data = Some(Bytes::from(vec![0xa5; 2_000_000]));
    let version = Version::ANY;
    let request = SetDataRequest { path, data, version };
    comes_back(&request, &SetDataRequest::decode);
    let children = (0..100_000).map(|n| format!("n{n}").into()).collect();
    comes_back(&GetChildrenResponse { children }, &GetChildrenResponse::decode);
}

#[test]
fn null_and_empty_are_different_and_both_survive() {
    for (data, acl) in [
        (None, None),
        (Some(Bytes::new()), Some(Vec::new())),
        (None, Some(Vec::new())),
        (Some(Bytes::new()), None),
    ] {
        let request = CreateRequest { data, acl, ..CreateRequest::default() };
        survives(&request, &CreateRequest::decode);
    }
}

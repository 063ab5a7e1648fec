//! Encoding and decoding of the records that pass most often, and of the largest ones.

use std::fmt::Debug;
use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput};
use zk_proto::jute::Reader;
use zk_proto::message::{
    Create2Response, CreateRequest, CreateResponse, GetChildrenResponse, GetDataRequest,
    GetDataResponse, MultiOp, MultiRequest, MultiResponse, MultiResult, ReplyHeader,
    SetDataRequest, SetDataResponse,
};
use zk_proto::{
    Acl, ByteString, CreateMode, Decode, Encode, ErrorCode, SessionId, Stat, Version, Xid, Zxid,
};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    single(&mut criterion);
    lists(&mut criterion);
    criterion.final_summary();
}

/// One operation and its reply.
fn single(criterion: &mut Criterion) {
    let header = ReplyHeader { xid: Xid(7), zxid: Zxid(0x1_0000_0042), err: ErrorCode::Ok };
    both(criterion, "ReplyHeader", &header);
    both(criterion, "Stat", &stat());
    both(criterion, "GetDataRequest", &GetDataRequest { path: PATH.into(), watch: false });
    both(criterion, "GetDataResponse, 100 B", &GetDataResponse { data: data(), stat: stat() });
    both(criterion, "CreateRequest, 100 B", &create(PATH.into()));
    both(criterion, "CreateResponse", &CreateResponse { path: PATH.into() });
    both(criterion, "Create2Response", &Create2Response { path: PATH.into(), stat: stat() });
}

/// Records that grow with what is in them.
fn lists(criterion: &mut Criterion) {
    let children = (0..1_000).map(|number| format!("member-{number:010}").into()).collect();
    both(criterion, "GetChildrenResponse, 1,000 names", &GetChildrenResponse { children });

    let paths = || (0..5).map(|number| ByteString::from(format!("{PATH}/{number}")));
    let ops = paths()
        .flat_map(|path| {
            let set = SetDataRequest { path: path.clone(), data: data(), version: Version(3) };
            [MultiOp::Create(create(path)), MultiOp::SetData(set)]
        })
        .collect();
    both(criterion, "MultiRequest, 10 operations", &MultiRequest { ops });
    let results = paths()
        .flat_map(|path| {
            let set = SetDataResponse { stat: stat() };
            [MultiResult::Create(CreateResponse { path }), MultiResult::SetData(set)]
        })
        .collect();
    both(criterion, "MultiResponse, 10 results", &MultiResponse { results });
}

/// Measures a record in both directions, once it is certain that it comes back as it went.
fn both<R: Encode + Decode + PartialEq + Debug>(criterion: &mut Criterion, name: &str, record: &R) {
    let mut out = BytesMut::new();
    record.encode(&mut out);
    let wire = out.clone().freeze();
    assert_eq!(R::decode(&mut Reader::new(wire.clone())).as_ref(), Ok(record));

    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(wire.len() as u64));
    // As a connection does, into a buffer that is there already.
    group.bench_function("encode", |bencher| {
        bencher.iter(|| {
            out.clear();
            black_box(record).encode(&mut out);
            black_box(&out);
        });
    });
    // A reader takes its bytes: they are shared, not copied, here as on a connection.
    group.bench_function("decode", |bencher| {
        bencher.iter(|| R::decode(&mut Reader::new(black_box(&wire).clone())));
    });
    group.finish();
}

fn create(path: ByteString) -> CreateRequest {
    let flags = CreateMode::Ephemeral.flags();
    CreateRequest { path, data: data(), acl: Some(Acl::open()), flags }
}

fn data() -> Option<Bytes> {
    Some(Bytes::from_static(&[b'x'; 100]))
}

fn stat() -> Stat {
    Stat {
        czxid: Zxid(0x1_0000_0001),
        mzxid: Zxid(0x1_0000_0042),
        ctime: 1_700_000_000_000,
        mtime: 1_700_000_100_000,
        version: Version(3),
        ephemeral_owner: SessionId(0x1_0000_0000_0042),
        data_length: 100,
        pzxid: Zxid(0x1_0000_0001),
        ..Stat::default()
    }
}

const PATH: &str = "/services/orders/instance-0000000042";

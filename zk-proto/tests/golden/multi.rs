//! What the frames of multi and multiRead say.

use bytes::Bytes;
use zk_proto::message::{
    CheckVersionRequest, Create2Response, CreateRequest, CreateResponse, DeleteRequest,
    ErrorResponse, GetDataResponse, MultiOp, MultiReadResponse, MultiReadResult, MultiRequest,
    MultiResponse, MultiResult, NoBody, SetDataRequest, SetDataResponse,
};
use zk_proto::op::{Request, Response};
use zk_proto::{Acl, ErrorCode, EventType, Stat, Version};

use super::exchange::{event, fresh_stat, reply, stat_of_a_later, talk};
use super::message::{Message, received};
use crate::wire_vectors::{DEBIAN_3_8, block};

#[test]
fn a_multi_that_succeeds_has_a_result_for_each_operation() {
    let (request, replies) = talk("multi ok");
    assert_eq!(request, Some(Request::Multi(five_operations())));
    let set = SetDataResponse {
        stat: Stat { version: Version(1), data_length: 1, ..fresh_stat(12, 0x01a2_039b_2f4f) },
    };
    let created = Create2Response { path: "/n".into(), stat: fresh_stat(12, 0x01a2_039b_2f4f) };
    let results = vec![
        MultiResult::Create(CreateResponse { path: "/m".into() }),
        MultiResult::Check(NoBody {}),
        MultiResult::SetData(set),
        MultiResult::Create2(created),
        MultiResult::Delete(NoBody {}),
    ];
    assert_eq!(
        replies,
        [
            event(12, EventType::NodeChildrenChanged, "/"),
            reply(20, 12, Response::Multi(MultiResponse { results })),
        ]
    );
}

#[test]
fn before_3_8_2_a_create2_in_a_multi_answers_as_a_create() {
    let replies = received(&block(DEBIAN_3_8, "multi ok"));
    let Message::Reply(_, Some(Response::Multi(MultiResponse { results }))) = &replies[1] else {
        panic!("{replies:?}");
    };
    let created = CreateResponse { path: "/n".into() };
    assert_eq!(results[3], MultiResult::Create(created));
}

#[test]
fn a_multi_that_fails_says_so_in_its_results_only() {
    let results = [ErrorCode::Ok, ErrorCode::BadVersion, ErrorCode::RuntimeInconsistency]
        .map(|err| MultiResult::Error(ErrorResponse { err }))
        .to_vec();
    assert_eq!(
        talk("multi failing").1,
        [reply(21, 13, Response::Multi(MultiResponse { results }))]
    );
}

#[test]
fn each_read_of_a_multi_read_fails_by_itself() {
    let data = GetDataResponse { data: Some(Bytes::from_static(b"yo")), stat: stat_of_a_later() };
    let missing = ErrorResponse { err: ErrorCode::NoNode };
    let results = vec![MultiReadResult::GetData(data), MultiReadResult::Error(missing)];
    assert_eq!(
        talk("multiRead").1,
        [reply(22, 13, Response::MultiRead(MultiReadResponse { results }))]
    );
}

fn five_operations() -> MultiRequest {
    let create = |path: &'static str| CreateRequest {
        path: path.into(),
        data: Some(Bytes::new()),
        acl: Some(Acl::open()),
        flags: 0,
    };
    let check = CheckVersionRequest { path: "/m".into(), version: Version(0) };
    let set = SetDataRequest {
        path: "/m".into(),
        data: Some(Bytes::from_static(b"z")),
        version: Version::ANY,
    };
    let delete = DeleteRequest { path: "/n".into(), version: Version::ANY };
    MultiRequest {
        ops: vec![
            MultiOp::Create(create("/m")),
            MultiOp::Check(check),
            MultiOp::SetData(set),
            MultiOp::Create2(create("/n")),
            MultiOp::Delete(delete),
        ],
    }
}

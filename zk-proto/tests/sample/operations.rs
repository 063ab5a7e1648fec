//! Requests, responses and the items of a multi, drawn case by case.

use proptest::prelude::*;
use proptest::strategy::Union;
use zk_proto::OpCode;
use zk_proto::message::{MultiOp, MultiReadOp, MultiReadResult, MultiResult};
use zk_proto::op::{Request, Response};

use super::{Sample, sample};

macro_rules! cases {
    ($( $name:ident { $($case:ident),* } )*) => { $(
        impl Sample for $name {
            fn strategy() -> BoxedStrategy<Self> {
                Union::new([ $( sample().prop_map(Self::$case).boxed() ),* ]).boxed()
            }
        }
    )* };
}

cases! {
    MultiOp { Create, Create2, CreateContainer, CreateTtl, Delete, SetData, Check }
    MultiResult { Create, Create2, Delete, SetData, Check, Error }
    MultiReadOp { GetData, GetChildren }
    MultiReadResult { GetData, GetChildren, Error }
}

macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        /// Every operation that is drawn.
        pub(crate) const REQUESTS: &[OpCode] = &[ $( OpCode::$name ),* ];

        cases! { Request { $($name),* } }

        /// A response, and the operation that it answers.
        pub(crate) fn response() -> BoxedStrategy<(OpCode, Response)> {
            Union::new([ $(
                sample().prop_map(|body| (OpCode::$name, Response::$name(body))).boxed()
            ),* ])
            .boxed()
        }
    };
}

operations! {
    Create, Delete, Exists, GetData, SetData, GetAcl, SetAcl, GetChildren, Sync, Ping,
    GetChildren2, Check, Multi, Create2, Reconfig, CheckWatches, RemoveWatches, CreateContainer,
    DeleteContainer, CreateTtl, MultiRead, Auth, SetWatches, Sasl, GetEphemerals,
    GetAllChildrenNumber, SetWatches2, AddWatch, WhoAmI, CloseSession,
}

//! Values of every type on the wire, drawn at random.
#![allow(dead_code, reason = "each test crate draws what it needs")]

mod operations;
mod records;

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use zk_proto::data::Permissions;
use zk_proto::id::Password;
use zk_proto::jute::Reader;
use zk_proto::message::Secret;
use zk_proto::{
    AddWatchMode, ByteString, Decode, Encode, ErrorCode, EventType, KeeperState, SessionId,
    Version, WatcherType, Xid, Zxid,
};

pub(crate) use operations::{REQUESTS, response};

/// A type whose values can be drawn.
pub(crate) trait Sample: Clone + Debug + Sized + 'static {
    fn strategy() -> BoxedStrategy<Self>;
}

pub(crate) fn sample<T: Sample>() -> BoxedStrategy<T> {
    T::strategy()
}

/// What a value looks like on the wire.
pub(crate) fn wire(value: &impl Encode) -> Bytes {
    let mut out = BytesMut::new();
    value.encode(&mut out);
    out.freeze()
}

macro_rules! numbers {
    ($( $inner:ident: $($name:ident),*; )*) => { $(
        impl Sample for $inner {
            fn strategy() -> BoxedStrategy<Self> {
                let limits = [0, 1, -1, $inner::MIN, $inner::MAX];
                prop_oneof![any::<$inner>(), proptest::sample::select(limits.to_vec())].boxed()
            }
        }
        $( impl Sample for $name {
            fn strategy() -> BoxedStrategy<Self> {
                sample().prop_map(Self).boxed()
            }
        } )*
    )* };
}

numbers! {
    i32: Xid, Version;
    i64: Zxid, SessionId;
}

macro_rules! enumerations {
    ($($name:ident),*) => { $(
        impl Sample for $name {
            fn strategy() -> BoxedStrategy<Self> {
                let all: Vec<_> = (-200..=200).filter_map(Self::from_code).collect();
                proptest::sample::select(all).boxed()
            }
        }
    )* };
}

enumerations! { EventType, KeeperState, WatcherType, AddWatchMode }

impl Sample for ErrorCode {
    fn strategy() -> BoxedStrategy<Self> {
        prop_oneof![-130..=0, any::<i32>()].prop_map(Self::from_code).boxed()
    }
}

impl Sample for Permissions {
    fn strategy() -> BoxedStrategy<Self> {
        sample().prop_map(Self::from_bits_retain).boxed()
    }
}

impl Sample for bool {
    fn strategy() -> BoxedStrategy<Self> {
        any::<Self>().boxed()
    }
}

impl Sample for ByteString {
    fn strategy() -> BoxedStrategy<Self> {
        prop_oneof![
            4 => "(/[a-z0-9-]{1,8}){0,3}",
            2 => "\\PC{0,6}",
            1 => any::<char>().prop_map(String::from),
            1 => (1_usize..60).prop_map(|length| "/\u{e9}\u{20ac}\u{1f600}".repeat(length)),
        ]
        .prop_map(Self::from)
        .boxed()
    }
}

impl Sample for Bytes {
    fn strategy() -> BoxedStrategy<Self> {
        prop_oneof![vec(any::<u8>(), 0..12), vec(any::<u8>(), 200..400)]
            .prop_map(Self::from)
            .boxed()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn strategy() -> BoxedStrategy<Self> {
        proptest::option::of(sample::<T>()).boxed()
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn strategy() -> BoxedStrategy<Self> {
        vec(sample::<T>(), 0..4).boxed()
    }
}

impl Sample for Secret {
    fn strategy() -> BoxedStrategy<Self> {
        sample().prop_map(Self).boxed()
    }
}

/// Of any length, and null: a peer may send what no server would make.
impl Sample for Password {
    fn strategy() -> BoxedStrategy<Self> {
        sample::<Option<Bytes>>()
            .prop_map(|bytes| Self::decode(&mut Reader::new(wire(&bytes))).unwrap())
            .boxed()
    }
}

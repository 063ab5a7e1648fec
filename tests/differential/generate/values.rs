//! What stands in requests.

use super::Generator;
use crate::program::{Ace, Field, Place, Zx};
use crate::setup::WatchMode;

impl Generator {
    /// One of a few paths, so that requests meet.
    pub(super) fn place(&mut self) -> Place {
        if self.rng.u32(0..150) < self.theme.bad {
            return self.bad_place();
        }
        if self.theme.quota > 1 && self.rng.u32(0..200) < self.theme.quota {
            let names = ["", "/zookeeper_limits", "/zookeeper_stats", "/a", "/a/zookeeper_limits"];
            return Place::Quota(self.rng.choice(names).unwrap().to_owned());
        }
        Place::Own(self.rng.choice(OWN).unwrap().to_owned())
    }

    fn bad_place(&mut self) -> Place {
        match self.rng.u32(0..10) {
            0 => Place::Null,
            1..=3 => Place::Raw(self.rng.choice(RAW).unwrap().to_owned()),
            _ => Place::Own(self.rng.choice(BAD).unwrap().to_owned()),
        }
    }

    /// A path that a program may change: not one that others use too.
    pub(super) fn place_to_write(&mut self) -> Place {
        match self.place() {
            Place::Raw(path) if !is_refused(&path) => Place::Raw("/".to_owned()),
            place => place,
        }
    }

    pub(super) fn version(&mut self) -> Field {
        Field::Int(match self.rng.u32(0..12) {
            0..=6 => -1,
            7..=9 => self.rng.i32(0..4),
            10 => -2,
            _ => self.rng.choice([i32::MIN, i32::MAX, -3]).unwrap(),
        })
    }

    /// What stands in a node, or is to. A server may end when it cannot read a node of a quota.
    pub(super) fn data(&mut self, place: &Place) -> Field {
        if matches!(place, Place::Quota(rest) if rest.contains("zookeeper_")) {
            return Field::Data(Some(self.rng.choice(LIMITS).unwrap().as_bytes().to_vec()));
        }
        Field::Data(match self.rng.u32(0..6) {
            0 => None,
            1 => Some(Vec::new()),
            2 => Some(vec![0, 0xff, 0x80]),
            _ => Some(format!("data {}", self.rng.u32(0..20)).into_bytes()),
        })
    }

    pub(super) fn flag(&mut self) -> Field {
        Field::Bool(if self.rng.u32(0..40) == 0 { 2 } else { u8::from(self.rng.bool()) })
    }

    /// Whether a read sets a watch: mostly when the program is about watches.
    pub(super) fn watch(&mut self) -> Field {
        let may = self.watches.is_none_or(|mode| mode == WatchMode::Standard);
        let does = may && self.rng.u32(0..16) < self.theme.watch;
        if does { self.flag() } else { Field::Bool(0) }
    }

    pub(super) fn acls(&mut self) -> Field {
        let none = self.theme.acl == 1 && !self.setup.exists_needs_read;
        if none || self.rng.u32(0..30) >= self.theme.acl {
            return Self::open_acl();
        }
        if self.rng.u32(0..14) == 0 {
            return Field::Acls(Err(self.rng.choice([-1, 0, -2, i32::MIN]).unwrap()));
        }
        let mut list = Vec::new();
        for _ in 0..self.rng.usize(1..=3) {
            list.push(self.ace());
        }
        if self.rng.u32(0..5) == 0 {
            list.push(list[0].clone());
        }
        Field::Acls(Ok(list))
    }

    pub(super) fn open_acl() -> Field {
        Field::Acls(Ok(vec![ace(31, "world", "anyone")]))
    }

    fn ace(&mut self) -> Ace {
        let perms = match self.rng.u32(0..8) {
            0..=3 => 31,
            4..=5 => 1 << self.rng.u32(0..5),
            6 => self.rng.i32(0..32),
            _ => self.rng.choice([0, -1, 255, i32::MIN]).unwrap(),
        };
        match self.rng.u32(0..12) {
            0..=4 => ace(perms, "world", "anyone"),
            5..=6 => ace(perms, "auth", self.rng.choice(["", "x", "bob"]).unwrap()),
            7..=8 => ace(perms, "digest", self.rng.choice(DIGESTS).unwrap()),
            9 => ace(perms, "ip", self.rng.choice(ADDRESSES).unwrap()),
            _ => self.bad_ace(perms),
        }
    }

    fn bad_ace(&mut self, perms: i32) -> Ace {
        match self.rng.u32(0..12) {
            0 => Ace { perms, scheme: None, id: Some("anyone".to_owned()) },
            1 => Ace { perms, scheme: Some("world".to_owned()), id: None },
            2 => Ace { perms, scheme: Some("digest".to_owned()), id: None },
            3 => ace(perms, "ip", self.rng.choice(BAD_ADDRESSES).unwrap()),
            4..=5 => ace(perms, "digest", self.rng.choice(BAD_DIGESTS).unwrap()),
            6 => ace(perms, "world", self.rng.choice(["", "someone"]).unwrap()),
            7 => ace(perms, "digest", "bob😀:hash"),
            _ => ace(perms, self.rng.choice(["super", "sasl", "x509", "", "nobody"]).unwrap(), "a"),
        }
    }

    /// Around what happened in the program so far.
    pub(super) fn zxid(&mut self) -> Zx {
        match self.rng.u32(0..8) {
            0 => Zx::Zero,
            1 => Zx::Max,
            _ => Zx::After(self.rng.i64(0..self.writes + 2)),
        }
    }

    pub(super) fn places(&mut self) -> Field {
        if self.rng.u32(0..60) < self.theme.bad {
            return Field::Paths(Err(self.rng.choice([-1, -2, 0]).unwrap()));
        }
        let count = self.rng.usize(0..4);
        let place = |_| match self.place() {
            // ZooKeeper works off what comes before a null.
            Place::Null => Place::Own(String::new()),
            place => place,
        };
        Field::Paths(Ok((0..count).map(place).collect()))
    }
}

fn ace(perms: i32, scheme: &str, id: &str) -> Ace {
    Ace { perms, scheme: Some(scheme.to_owned()), id: Some(id.to_owned()) }
}

/// What no server lets anybody create or delete, or what is no path at all.
fn is_refused(path: &str) -> bool {
    !path.starts_with('/') || path.contains("//")
}

/// Below the root of the program. Names meet the suffixes of sequential nodes on purpose.
const OWN: [&str; 14] = [
    "",
    "/a",
    "/a",
    "/a/x",
    "/a/x",
    "/a/x/p",
    "/a/y",
    "/b",
    "/b",
    "/b/x",
    "/a/s",
    "/s",
    "/s0000000002",
    "/a/s0000000001",
];

const LIMITS: [&str; 5] = [
    "count=3,bytes=20",
    "count=2,bytes=30=;byteHardLimit=30;countHardLimit=4",
    "countHardLimit=3",
    "byteHardLimit=12,countHardLimit=-1",
    "count=-1,bytes=-1",
];

/// Below it too, and not right. `/s/` and `/a/` are fine for sequential nodes.
const BAD: [&str; 16] = [
    "/",
    "/a/",
    "/s/",
    "//a",
    "/a//x",
    "/.",
    "/a/..",
    "/a/../b",
    "/...",
    "/a\u{0}b",
    "/a\u{1}",
    "/a\u{9f}",
    "/a\u{a0}",
    "/a\u{e000}",
    "/a\u{fff0}",
    "/a😀",
];

const RAW: [&str; 9] =
    ["", "/", "//", "x", "a/x", "/zookeeper", "/zookeeper/quota", "/zookeeper/config", "/nobody/a"];

/// Of `bob:pw`, `eve:secret` and of nobody.
const DIGESTS: [&str; 3] =
    ["bob:ikIaKsbtGweaHnb/jKn7OHqbunM=", "eve:vcGMCUlWFMiXiG/KAGnEJMiG2ww=", "nobody:hash"];
const BAD_DIGESTS: [&str; 4] = ["bob", "a:b:c", "a:", ""];
/// Of everybody or nobody: the clients of the two servers have different addresses.
const ADDRESSES: [&str; 4] = ["0.0.0.0/0", "10.1.2.3", "10.0.0.0/8", "10.1.2.3/0"];
const BAD_ADDRESSES: [&str; 6] = ["1.2.3", "1.2.3.4/33", "1.2.3.4/-1", "", "1.2.3.400", "1.2.3.4/"];

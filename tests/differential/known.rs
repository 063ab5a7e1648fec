//! Where versions of ZooKeeper are known to differ from each other, and zk-server-lite from it on
//! purpose. Whatever is masked here is not compared.

use crate::observe::Kind;
use crate::program::{Call, MULTI, Place};
use crate::setup::has_2590;
use crate::side::Seen;

/// Major, minor, patch.
pub(crate) type Version = (u32, u32, u32);

/// A difference that is known.
struct Rule {
    /// What differs, and why that is right.
    why: &'static str,
    /// In which versions it is to be seen.
    versions: fn(Version) -> bool,
    /// Masks it in what both saw; false when this is something else.
    mask: fn(&mut Seen, &mut Seen) -> bool,
}

/// The rules for one version, and how often each was of use.
#[derive(Debug)]
pub(crate) struct Known {
    version: Version,
    used: Vec<usize>,
}

const RULES: [Rule; 7] = [
    Rule {
        why: "before 3.9 an event does not tell its zxid (ZOOKEEPER-4655)",
        versions: before_3_9,
        mask: |real, ours| {
            real.item.kind == Kind::Event
                && ours.item.kind == Kind::Event
                && real.item.field("zxid") == Some("-1")
                && both(real, ours, "zxid")
        },
    },
    Rule {
        why: "before 3.8.2 a create2 in a multi has no Stat in its answer, nor have containers (ZOOKEEPER-4026)",
        versions: |version| version < (3, 8, 2),
        mask: create2_as_create,
    },
    Rule {
        why: "before 3.8.4 and 3.9.2 an exists needs no permission (ZOOKEEPER-2590)",
        versions: |version| !has_2590(version),
        mask: exists_without_read,
    },
    Rule {
        why: "a character above U+FFFF is sent as UTF-8, and not as Java's two surrogates, which \
              other clients cannot read",
        versions: |_| true,
        mask: surrogates,
    },
    Rule {
        why: "checkWatches and removeWatches cannot read a null path, at which nobody has a watch",
        versions: |_| true,
        mask: null_path,
    },
    Rule {
        why: "a multiRead that cannot be read is refused without a body, and not with what of it \
              was done",
        versions: |_| true,
        mask: multi_read_body,
    },
    Rule {
        why: "identities that an entry with scheme auth stands for have no order in ZooKeeper",
        versions: |_| true,
        mask: auth_order,
    },
];

impl Known {
    pub(crate) fn new(version: Version) -> Self {
        Self { version, used: vec![0; RULES.len()] }
    }

    /// Makes equal what is known to differ.
    pub(crate) fn mask(&mut self, real: &mut Seen, ours: &mut Seen) {
        if real.item == ours.item {
            return;
        }
        for (rule, used) in RULES.iter().zip(&mut self.used) {
            if (rule.versions)(self.version) && (rule.mask)(real, ours) {
                *used += 1;
            }
        }
    }

    /// Tells how often each rule was of use: one that never is may be out of date.
    pub(crate) fn report(&self) -> String {
        let mut text = String::new();
        for (rule, used) in RULES.iter().zip(&self.used) {
            if (rule.versions)(self.version) {
                let stale = if *used == 0 { "  <-- never seen, is it still so?" } else { "" };
                text.push_str(&format!("  {used:7}  {}{stale}\n", rule.why));
            }
        }
        text
    }
}

fn before_3_9(version: Version) -> bool {
    version < (3, 9, 0)
}

fn both(real: &mut Seen, ours: &mut Seen, field: &str) -> bool {
    real.item.mask(field) && ours.item.mask(field)
}

fn create2_as_create(real: &mut Seen, ours: &mut Seen) -> bool {
    let ops: Vec<i32> = match &real.call {
        Some(call) if call.op == MULTI => call.ops().iter().map(|(op, _)| *op).collect(),
        _ => return false,
    };
    let mut seen = false;
    for (position, op) in ops.into_iter().enumerate() {
        let name = format!("{position}.type");
        let differ =
            real.item.field(&name) == Some("create") && ours.item.field(&name) == Some("create2");
        if matches!(op, 15 | 19 | 21) && differ {
            seen = true;
            both(real, ours, &name);
            both(real, ours, "length");
            let stat = format!("{position}.stat.");
            ours.item.fields.retain(|(name, _)| !name.starts_with(&stat));
        }
    }
    seen
}

fn exists_without_read(real: &mut Seen, ours: &mut Seen) -> bool {
    let differ = real.item.kind == Kind::Reply(EXISTS)
        && real.item.field("err") == Some("0")
        && ours.item.field("err") == Some(NO_AUTH);
    if differ {
        ours.item.fields.clone_from(&real.item.fields);
    }
    differ
}

fn surrogates(real: &mut Seen, ours: &mut Seen) -> bool {
    let wide = |(_, value): &(String, String)| value.chars().any(|c| c > '\u{ffff}');
    let differ =
        real.item.fields.iter().any(wide) && real.item.field("length") != ours.item.field("length");
    differ && both(real, ours, "length")
}

fn null_path(real: &mut Seen, ours: &mut Seen) -> bool {
    let is_null = |seen: &Seen| seen.call.as_ref().and_then(Call::place) == Some(&Place::Null);
    let err = |seen: &Seen| seen.item.field("err").map(str::to_owned);
    let bad = is_null(real)
        && real.item.kind == ours.item.kind
        && err(ours).as_deref() == Some(MARSHALLING_ERROR)
        && real.item.field("zxid") == ours.item.field("zxid");
    let differ = bad
        && matches!(real.item.kind, Kind::Reply(CHECK_WATCHES | REMOVE_WATCHES))
        && err(real).as_deref() == Some(NO_WATCHER);
    if differ {
        ours.item.fields.clone_from(&real.item.fields);
    }
    differ
}

fn multi_read_body(real: &mut Seen, ours: &mut Seen) -> bool {
    let refused = |seen: &Seen| {
        seen.item.kind == Kind::Reply(MULTI_READ)
            && seen.item.field("err") == Some(MARSHALLING_ERROR)
    };
    let differ = refused(real)
        && refused(ours)
        && real.item.field("body of a failure").is_some()
        && ours.item.field("body of a failure").is_none();
    if differ {
        real.item.remove("body of a failure");
        both(real, ours, "length");
    }
    differ
}

fn auth_order(real: &mut Seen, ours: &mut Seen) -> bool {
    let sorted = |seen: &Seen| {
        let list = seen.item.field("acl")?.trim_matches(['[', ']']);
        let mut entries: Vec<_> = list.split(", ").map(str::to_owned).collect();
        let digests = entries.iter().filter(|entry| entry.starts_with("digest:")).count();
        entries.sort();
        (digests > 1).then_some(entries)
    };
    let (a, b) = (sorted(real), sorted(ours));
    a.is_some()
        && a == b
        && real.item.field("acl") != ours.item.field("acl")
        && both(real, ours, "acl")
}

const MULTI_READ: i32 = 22;
const CHECK_WATCHES: i32 = 17;
const REMOVE_WATCHES: i32 = 18;
const MARSHALLING_ERROR: &str = "-5";
const NO_WATCHER: &str = "-121";
const EXISTS: i32 = 3;
const NO_AUTH: &str = "-102";

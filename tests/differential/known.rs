//! Where versions of ZooKeeper are known to differ from each other, and zk-server-lite from it on
//! purpose. Whatever is masked here is not compared.

use crate::observe::Kind;
use crate::program::MULTI;
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

const RULES: [Rule; 2] = [
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
        why: "before 3.8.2 a create2 in a multi is answered as a create (ZOOKEEPER-4026)",
        versions: |version| version < (3, 8, 2),
        mask: create2_as_create,
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
        if op == CREATE2 && differ {
            seen = true;
            both(real, ours, &name);
            both(real, ours, "length");
            let stat = format!("{position}.stat.");
            ours.item.fields.retain(|(name, _)| !name.starts_with(&stat));
        }
    }
    seen
}

const CREATE2: i32 = 15;

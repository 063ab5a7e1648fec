//! The operations, and what is sent with them.

use super::Generator;
use crate::program::{Ace, Call, Field, Place, SASL};
use crate::setup::WatchMode;

impl Generator {
    /// Any operation. An auth packet is answered at once, so it stands only before others, and so
    /// does what makes the server hang up.
    pub(super) fn request(&mut self, first: bool) -> Call {
        let watch = self.theme.watch;
        let weights = [
            (Self::create as fn(&mut Self) -> Call, 30),
            (Self::delete, 14),
            (Self::set_data, 14),
            (Self::read, 24),
            (Self::read_acl, 2 + self.theme.acl / 4),
            (Self::set_acl, 1 + self.theme.acl / 2),
            (Self::multi, 2 * self.theme.multi),
            (Self::multi_read, 1 + self.theme.multi / 2),
            (Self::add_watch, watch / 2),
            (Self::remove_watches, watch / 2),
            (Self::set_watches, watch / 2),
            (Self::about_session, 4),
            (Self::auth, if first { self.theme.acl } else { 0 }),
            (Self::reconfig, 1),
            (Self::unknown, u32::from(first && self.theme.bad > 1)),
        ];
        let total = weights.iter().map(|(_, weight)| weight).sum();
        let mut left = self.rng.u32(0..total);
        for (make, weight) in weights {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return make(self),
            }
        }
        self.read()
    }

    fn create(&mut self) -> Call {
        let op = self.rng.choice([1, 1, 1, 15, 15, 19, 21]).unwrap();
        Call::new(op, self.create_fields(op))
    }

    fn create_fields(&mut self, op: i32) -> Vec<Field> {
        let flags = match (op, self.rng.u32(0..10)) {
            (21, 0..=6) => self.rng.i32(5..=6),
            (19, 0..=6) => 4,
            (1 | 15, 0..=8) => self.rng.choice([0, 0, 0, 1, 1, 2, 3]).unwrap(),
            (_, 0..=8) => self.rng.i32(0..7),
            _ => self.rng.choice([4, 5, 6, 7, -1, 8, i32::MIN]).unwrap(),
        };
        let place = self.place_to_write();
        // How many nodes others have made beside the root is not to be seen.
        let beside = match &place {
            Place::Own(rest) | Place::Quota(rest) => rest.is_empty(),
            Place::Raw(_) => true,
            Place::Null => false,
        };
        let flags = if beside && (0..=6).contains(&flags) { flags & 1 } else { flags };
        let data = self.data(&place);
        let mut fields = vec![Field::Path(place), data, self.acls(), Field::Int(flags)];
        if op == 21 {
            let odd = [0, 1_099_511_627_775, 1_099_511_627_776, i64::MAX];
            let ttl = match self.rng.u32(0..8) {
                0 => self.rng.choice(odd).unwrap(),
                // With a flag that takes none, a negative time harms servers.
                1 if (5..=6).contains(&flags) => self.rng.choice([-1, i64::MIN]).unwrap(),
                _ => 100_000_000,
            };
            fields.push(Field::Long(ttl));
        }
        fields
    }

    fn delete(&mut self) -> Call {
        Call::new(2, vec![Field::Path(self.place_to_write()), self.version()])
    }

    fn set_data(&mut self) -> Call {
        Call::new(5, self.set_data_fields())
    }

    fn set_data_fields(&mut self) -> Vec<Field> {
        let place = self.place_to_write_to();
        let data = self.data(&place);
        vec![Field::Path(place), data, self.version()]
    }

    fn read(&mut self) -> Call {
        let op = self.rng.choice([3, 3, 4, 4, 8, 12]).unwrap();
        let place = Field::Path(self.place());
        let may_not_watch = op == EXISTS && !self.setup.exists_needs_read && self.theme.acl > 1;
        let watch = if may_not_watch { Field::Bool(0) } else { self.watch() };
        Call::new(op, vec![place, watch])
    }

    fn read_acl(&mut self) -> Call {
        Call::new(6, vec![Field::Path(self.place())])
    }

    fn set_acl(&mut self) -> Call {
        Call::new(7, vec![Field::Path(self.place_to_write_to()), self.acls(), self.version()])
    }

    fn multi(&mut self) -> Call {
        let foreign = self.setup.undecodable_writes && self.rng.u32(0..60) < self.theme.bad;
        let count = self.rng.usize(0..6);
        let mut ops: Vec<_> = (0..count).map(|_| self.multi_op()).collect();
        ops.retain(|op| self.setup.undecodable_writes || !is_other_before_3_9(op));
        // ZooKeeper does not take back what stands before a null, as it does when all else fails.
        let mut first = true;
        ops.retain(|op| std::mem::take(&mut first) || !has_null(op));
        // Which of two things makes it unreadable decides about a zxid, so there is only one.
        let has_null_acl = ops.iter().any(is_null_acl);
        if has_null_acl {
            ops.retain(|op| !is_other_before_3_9(op) || is_null_acl(op));
        }
        if foreign && !has_null_acl {
            let op = self.rng.choice([4, 3, 7, 9, 14, 55]).unwrap();
            ops.push((op, vec![Field::Path(self.place()), self.flag()]));
        }
        Call::new(14, vec![Field::Ops(ops)])
    }

    fn multi_op(&mut self) -> (i32, Vec<Field>) {
        let op = self.rng.choice([1, 1, 15, 19, 21, 2, 2, 5, 5, 13, 13]).unwrap();
        let fields = match op {
            2 => vec![Field::Path(self.place_to_write()), self.version()],
            5 => self.set_data_fields(),
            13 => vec![Field::Path(self.place()), self.version()],
            _ => self.create_fields(op),
        };
        // To what stands behind it such a container is an ephemeral node, until it is applied.
        let op = if seen_late(op, &fields) { 15 } else { op };
        (op, fields)
    }

    fn multi_read(&mut self) -> Call {
        let count = self.rng.usize(0..6);
        let mut ops: Vec<_> = (0..count)
            .map(|_| {
                let op = self.rng.choice([4, 8]).unwrap();
                (op, vec![Field::Path(self.place()), self.flag()])
            })
            .collect();
        if self.rng.u32(0..60) < self.theme.bad {
            ops.push((2, vec![Field::Path(self.place_to_write()), self.version()]));
        }
        Call::new(22, vec![Field::Ops(ops)])
    }

    fn add_watch(&mut self) -> Call {
        let mode = match self.watches {
            _ if self.rng.u32(0..12) == 0 => self.rng.choice([-1, 2, i32::MAX]).unwrap(),
            None => self.rng.i32(0..2),
            Some(WatchMode::Standard) => return self.read(),
            Some(WatchMode::Persistent) => 0,
            Some(WatchMode::Recursive) => 1,
        };
        let place = match self.place() {
            // Servers before 3.9 cannot close a connection that has such a watch.
            Place::Null => Place::Own(String::new()),
            place => place,
        };
        Call::new(106, vec![Field::Path(place), Field::Int(mode)])
    }

    fn remove_watches(&mut self) -> Call {
        let op = self.rng.choice([17, 18, 18]).unwrap();
        if self.watches.is_some() {
            return Call::new(18, vec![Field::Path(self.place()), Field::Int(ANY_WATCH)]);
        }
        let kind = if self.rng.u32(0..12) == 0 {
            self.rng.choice([0, 6, -1, i32::MAX]).unwrap()
        } else {
            self.rng.i32(1..=5)
        };
        Call::new(op, vec![Field::Path(self.place()), Field::Int(kind)])
    }

    fn set_watches(&mut self) -> Call {
        let op = match self.watches {
            None | Some(WatchMode::Standard) => self.rng.choice([101, 105]).unwrap(),
            Some(WatchMode::Persistent | WatchMode::Recursive) => 105,
        };
        let lists = if op == 101 { 3 } else { 5 };
        let none = Field::Paths(Ok(Vec::new()));
        let mut fields = vec![Field::Zxid(self.zxid())];
        for number in 0..lists {
            if self.watches.is_some_and(|mode| mode != WatchMode::of_list(number)) {
                fields.push(none.clone());
                continue;
            }
            // ZooKeeper works off the lists before the one that is null.
            let list = match self.places() {
                Field::Paths(Err(-1)) if !fields[1..].iter().all(|list| *list == none) => {
                    none.clone()
                }
                list => list,
            };
            fields.push(list);
        }
        Call::new(op, fields)
    }

    fn about_session(&mut self) -> Call {
        let path = Field::Path(self.place());
        match self.rng.u32(0..6) {
            0 => Call::new(9, vec![path]),
            1 => Call::new(11, Vec::new()),
            2..=3 => Call::new(103, vec![path]),
            4 => Call::new(104, vec![path]),
            _ => Call::new(107, Vec::new()),
        }
    }

    fn auth(&mut self) -> Call {
        if self.rng.u32(0..20) == 0 {
            // Nobody is known by it here.
            return Call::new(SASL, vec![Field::Data(Some(b"token".to_vec()))]);
        }
        let text = |text: &str| Some(text.to_owned());
        let data = |data: &str| Some(data.as_bytes().to_vec());
        let (scheme, auth) = match self.rng.u32(0..24) {
            0..=8 => (text("digest"), data("bob:pw")),
            9..=14 => (text("digest"), data("eve:secret")),
            15 => (text("digest"), data("bob")),
            16 => (text("digest"), data("bob:p:w")),
            17 => (text("digest"), data("")),
            18..=19 => (text("ip"), data("whatever")),
            20..=21 => (text("digest"), data("super:admin")),
            22 => (text("digest"), None),
            _ => (
                text(self.rng.choice(["world", "auth", "super", "sasl", "nobody"]).unwrap()),
                data("a"),
            ),
        };
        let mut call = Call::new(100, vec![Field::Int(0), Field::Text(scheme), Field::Data(auth)]);
        call.xid = Some(-4);
        call
    }

    fn reconfig(&mut self) -> Call {
        let text =
            self.rng.choice([None, Some(String::new()), Some("server.1=a:1:2;3".to_owned())]);
        let text = text.unwrap();
        let config = self.rng.choice([-1, 0, 7]).unwrap();
        Call::new(
            16,
            vec![Field::Text(None), Field::Text(None), Field::Text(text), Field::Long(config)],
        )
    }

    fn unknown(&mut self) -> Call {
        let op = match self.rng.u32(0..5) {
            0 if self.setup.bare_check => 13,
            _ => self.rng.choice([0, -1, 10, 23, 99, 108, i32::MIN, i32::MAX]).unwrap(),
        };
        Call::new(op, vec![Field::Path(self.place()), self.version()])
    }

    /// Roots that are shared are not written to.
    fn place_to_write_to(&mut self) -> Place {
        match self.place_to_write() {
            Place::Raw(path) if path == "/" => Place::Own(String::new()),
            place => place,
        }
    }
}

/// Whether ZooKeeper looks at something else than what it has promised, for what comes behind it,
/// until it is applied: at the old list for a setACL, at an ephemeral node for a container with the
/// flags of one.
pub(super) fn seen_late(op: i32, fields: &[Field]) -> bool {
    match (op, fields) {
        (7, _) => true,
        (19, [_, _, _, Field::Int(flags)]) => matches!(flags, 1 | 3),
        _ => false,
    }
}

/// Whether an operation makes a whole multi unreadable, or did so at some time.
fn is_other_before_3_9(operation: &(i32, Vec<Field>)) -> bool {
    let (op, fields) = operation;
    let flags = match (op, fields.as_slice()) {
        (1 | 15 | 19 | 21, [_, _, _, Field::Int(flags), ..]) => *flags,
        _ => 0,
    };
    let takes_flags = if *op == 21 { 0..=6 } else { 0..=4 };
    !takes_flags.contains(&flags) || is_null_acl(operation) || has_null(operation)
}

fn is_null_acl((_, fields): &(i32, Vec<Field>)) -> bool {
    fields.contains(&Field::Acls(Err(-1)))
}

/// Whether there is a null path or a null in an entry of an ACL.
fn has_null((_, fields): &(i32, Vec<Field>)) -> bool {
    let null_in = |ace: &Ace| ace.scheme.is_none() || ace.id.is_none();
    fields.iter().any(|field| match field {
        Field::Path(place) => *place == Place::Null,
        Field::Acls(Ok(acls)) => acls.iter().any(null_in),
        _ => false,
    })
}

const EXISTS: i32 = 3;
const ANY_WATCH: i32 = 3;

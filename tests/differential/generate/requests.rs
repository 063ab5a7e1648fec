//! The operations, and what is sent with them.

use super::Generator;
use crate::program::{Call, Field, Place};

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
        let beside = [Place::Own(String::new()), Place::Quota(String::new())];
        let flags = if beside.contains(&place) { flags & 1 } else { flags };
        let mut fields = vec![Field::Path(place), self.data(), self.acls(), Field::Int(flags)];
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
        Call::new(5, vec![Field::Path(self.place_to_write_to()), self.data(), self.version()])
    }

    fn read(&mut self) -> Call {
        let op = self.rng.choice([3, 3, 4, 4, 8, 12]).unwrap();
        Call::new(op, vec![Field::Path(self.place()), self.watch()])
    }

    fn read_acl(&mut self) -> Call {
        Call::new(6, vec![Field::Path(self.place())])
    }

    fn set_acl(&mut self) -> Call {
        Call::new(7, vec![Field::Path(self.place_to_write_to()), self.acls(), self.version()])
    }

    fn multi(&mut self) -> Call {
        let foreign = self.rng.u32(0..60) < self.theme.bad;
        let count = self.rng.usize(0..6);
        let mut ops: Vec<_> = (0..count).map(|_| self.multi_op()).collect();
        if foreign {
            let op = self.rng.choice([4, 3, 7, 9, 14, 55]).unwrap();
            ops.push((op, vec![Field::Path(self.place()), self.flag()]));
        }
        Call::new(14, vec![Field::Ops(ops)])
    }

    fn multi_op(&mut self) -> (i32, Vec<Field>) {
        let op = self.rng.choice([1, 1, 15, 19, 21, 2, 2, 5, 5, 13, 13]).unwrap();
        let fields = match op {
            2 => vec![Field::Path(self.place_to_write()), self.version()],
            5 => vec![Field::Path(self.place_to_write_to()), self.data(), self.version()],
            13 => vec![Field::Path(self.place()), self.version()],
            _ => self.create_fields(op),
        };
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
        let mode = if self.rng.u32(0..12) == 0 {
            self.rng.choice([-1, 2, i32::MAX]).unwrap()
        } else {
            self.rng.i32(0..2)
        };
        Call::new(106, vec![Field::Path(self.place()), Field::Int(mode)])
    }

    fn remove_watches(&mut self) -> Call {
        let op = self.rng.choice([17, 18, 18]).unwrap();
        let kind = if self.rng.u32(0..12) == 0 {
            self.rng.choice([0, 6, -1, i32::MAX]).unwrap()
        } else {
            self.rng.i32(1..=5)
        };
        Call::new(op, vec![Field::Path(self.place()), Field::Int(kind)])
    }

    fn set_watches(&mut self) -> Call {
        let op = self.rng.choice([101, 105]).unwrap();
        let lists = if op == 101 { 3 } else { 5 };
        let none = Field::Paths(Ok(Vec::new()));
        let mut fields = vec![Field::Zxid(self.zxid())];
        for _ in 0..lists {
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

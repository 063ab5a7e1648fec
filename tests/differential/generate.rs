//! Programs by chance: a seed gives the same one again.

mod requests;
mod values;

use fastrand::Rng;

use crate::program::{AUTH, Call, Field, Handshake, Place, Program, Session, Step, Zx};
use crate::setup::{Setup, WatchMode};

/// What a program is mostly about: rare things meet only if they are not rare.
struct Theme {
    acl: u32,
    watch: u32,
    multi: u32,
    session: u32,
    bad: u32,
    quota: u32,
}

/// Makes the program of a seed.
pub(crate) fn program(seed: u64, setup: Setup) -> Program {
    let mut generator = Generator::new(seed, setup);
    let sessions = generator.rng.usize(1..=3);
    for slot in 0..sessions {
        generator.open(slot);
    }
    if generator.rng.u32(0..4) > 0 {
        generator.furnish();
    }
    for _ in 0..generator.rng.usize(4..50) {
        generator.step();
    }
    Program { steps: generator.steps }
}

struct Generator {
    rng: Rng,
    setup: Setup,
    theme: Theme,
    /// The only mode of watches in this program, if there is but one.
    watches: Option<WatchMode>,
    steps: Vec<Step>,
    /// How many sessions were asked for.
    sessions: usize,
    /// Which session each slot holds, as far as the generator knows.
    slots: [Option<usize>; SLOTS],
    /// About how many transactions there were.
    writes: i64,
}

impl Generator {
    fn new(seed: u64, setup: Setup) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut weight = |often: u32| if rng.u32(0..3) == 0 { often } else { 1 };
        let theme = Theme {
            acl: weight(20),
            watch: weight(15),
            multi: weight(10),
            session: weight(6),
            bad: weight(8),
            quota: weight(10),
        };
        let watches = if setup.watch_modes_apart { None } else { rng.choice(WatchMode::ALL) };
        let (steps, slots) = (Vec::new(), [None; SLOTS]);
        Self { rng, setup, theme, watches, steps, sessions: 0, slots, writes: 0 }
    }

    /// Makes some nodes, so that not all that follows is about nodes that are not there.
    fn furnish(&mut self) {
        let Some(slot) = (0..SLOTS).find(|slot| self.slots[*slot].is_some()) else { return };
        let own = ["/a", "/a/x", "/b", "/a/y", "/b/x"].map(|path| Place::Own(path.to_owned()));
        let mut places: Vec<_> = own.into_iter().take(self.rng.usize(1..=5)).collect();
        if self.theme.quota > 1 {
            let quota = if self.rng.bool() {
                &["", "/zookeeper_limits", "/zookeeper_stats"][..]
            } else {
                &["", "/a", "/a/zookeeper_limits", "/a/zookeeper_stats"]
            };
            places.extend(quota.iter().map(|path| Place::Quota((*path).to_owned())));
        }
        let calls: Vec<_> = places.into_iter().map(|place| self.furniture(place)).collect();
        self.writes += i64::try_from(calls.len()).unwrap();
        self.steps.push(Step::Send { slot, calls });
    }

    fn furniture(&mut self, place: Place) -> Call {
        let own = matches!(place, Place::Own(_));
        let acls = if own && self.rng.bool() { self.acls() } else { Self::open_acl() };
        let data = self.data(&place);
        Call::new(1, vec![Field::Path(place), data, acls, Field::Int(0)])
    }

    fn step(&mut self) {
        let open: Vec<_> = (0..SLOTS).filter(|slot| self.slots[*slot].is_some()).collect();
        let Some(slot) = self.rng.choice(open) else {
            let slot = self.rng.usize(0..SLOTS);
            return self.open(slot);
        };
        if self.rng.u32(0..60) < self.theme.session {
            return self.session_step(slot);
        }
        // Hard limits do not count what is not applied yet.
        let batch = self.theme.quota == 1 && self.rng.u32(0..3) == 0;
        let count = if batch { self.rng.usize(1..12) } else { 1 };
        let mut calls = vec![self.call(true)];
        if calls[0].is_last() {
            // It stands alone: the server may hang up before it has answered what came before.
            self.slots[slot] = None;
        } else {
            let late = |call: &Call| requests::seen_late(call.op, &call.fields);
            while calls.len() < count && !calls.last().is_some_and(late) {
                calls.push(self.call(false));
            }
        }
        self.writes += i64::try_from(calls.len()).unwrap();
        self.steps.push(Step::Send { slot, calls });
    }

    fn session_step(&mut self, slot: usize) {
        match self.rng.u32(0..10) {
            0..=2 => {
                self.slots[slot] = None;
                self.steps.push(Step::Close { slot });
            }
            3 => {
                self.slots[slot] = None;
                self.steps.push(Step::Drop { slot });
            }
            4..=5 => {
                let slot = self.rng.usize(0..SLOTS);
                self.open(slot);
            }
            _ => self.reconnect(),
        }
        self.writes += 1;
    }

    fn open(&mut self, slot: usize) {
        let number = self.sessions;
        self.sessions += 1;
        let passwd = match self.rng.u32(0..8) {
            0 => None,
            1 => Some(Vec::new()),
            2 => Some(b"too short".to_vec()),
            3 => Some(vec![9; 40]),
            _ => Some(vec![0; 16]),
        };
        let handshake = self.handshake(Session::New { number, passwd });
        self.slots[slot] = (!handshake.is_ahead()).then_some(number);
        self.steps.push(Step::Connect { slot, handshake });
    }

    /// A session of before, rightfully or not, on the same or another connection.
    fn reconnect(&mut self) {
        let slot = self.rng.usize(0..SLOTS);
        let number = self.rng.usize(0..self.sessions);
        let session = match self.rng.u32(0..8) {
            0 => Session::Stolen { number, passwd: Some(vec![1; 16]) },
            1 => Session::Stolen { number, passwd: self.rng.choice([None, Some(vec![])]).unwrap() },
            2 => Session::Unknown { id: self.rng.choice([1, -1, i64::MIN, 0x7777]).unwrap() },
            _ => Session::Resumed { number },
        };
        let handshake = self.handshake(session);
        let granted = matches!(handshake.session, Session::Resumed { .. }) && !handshake.is_ahead();
        self.slots[slot] = granted.then_some(number);
        self.steps.push(Step::Connect { slot, handshake });
    }

    fn handshake(&mut self, session: Session) -> Handshake {
        let timeout = match self.rng.u32(0..8) {
            0 => self.rng.choice([0, -1, i32::MIN, 1]).unwrap(),
            1 => self.rng.choice([i32::MAX, 1_000_000]).unwrap(),
            _ => self.rng.i32(10_000..30_000),
        };
        let read_only = self.rng.choice([None, Some(false), Some(true)]).unwrap();
        let last_zxid = match self.rng.u32(0..12) {
            0 => Zx::Max,
            1 => Zx::After(100_000),
            2 => Zx::After(0),
            _ => Zx::Zero,
        };
        Handshake { session, timeout, read_only, last_zxid }
    }

    fn call(&mut self, first: bool) -> Call {
        let mut call = self.request(first);
        if self.rng.u32(0..200) < self.theme.bad && call.can_be_cut() && self.setup.may_cut(call.op)
        {
            call.cut = self.rng.usize(1..=12);
        }
        if self.rng.u32(0..60) == 0 && call.op != AUTH {
            call.xid = self.rng.choice([Some(0), Some(-8), Some(-77), Some(i32::MAX)]).unwrap();
        }
        call
    }
}

impl Handshake {
    /// Whether the server is to refuse it for what the client says to have seen.
    const fn is_ahead(&self) -> bool {
        matches!(self.last_zxid, Zx::Max | Zx::After(1..))
    }
}

/// Connections at a time.
const SLOTS: usize = 4;

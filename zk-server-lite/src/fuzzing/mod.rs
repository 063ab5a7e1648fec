//! The engine as a fuzzer drives it: a few clients that say anything, in pieces, at any time.
//!
//! An input is a list of steps; each is a byte that names a client and what happens, and the
//! bytes that this needs. It is part of the crate because the engine is; `fuzz/` calls it, and a
//! test replays `fuzz/corpus/engine`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a panic is what a fuzzer looks for"
)]

mod peer;
mod requests;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use bytes::{Bytes, BytesMut};
use zk_proto::frame::{put_frame, take_frame};
use zk_proto::message::ConnectRequest;
use zk_proto::{Encode, Password, SessionId};

use crate::core::Features;
#[cfg(feature = "sasl")]
use crate::engine::SaslOptions;
use crate::engine::{ConnId, ContainerOptions, Engine, EngineOptions, Now, Output};

use peer::Peer;
use requests::Requests;

/// Whatever clients say, the server neither panics nor gets stuck; each request of a connection
/// that stays open is answered once, with something that can be read, and nothing is sent to a
/// connection that is closed; the tree stays a tree; and when the clients are gone and time has
/// passed, so are their sessions, ephemeral nodes and watches.
pub fn engine(input: &[u8]) {
    let Some((switches, steps)) = input.split_first() else {
        return;
    };
    let mut world = World::new(*switches);
    let mut steps = Steps(steps);
    while let Some(step) = steps.byte() {
        world.step(step, &mut steps);
        world.settle();
    }
    world.wind_up();
}

struct World {
    engine: Engine,
    now: Now,
    last_conn: u64,
    /// A connection for each client, while it has one.
    slots: [Option<ConnId>; SLOTS],
    /// All connections that neither side has closed.
    peers: BTreeMap<ConnId, Peer>,
    granted: BTreeSet<SessionId>,
    /// The last session of each client.
    sessions: [(SessionId, Password); SLOTS],
    requests: Requests,
}

/// The bytes of an input; what is missing at its end is 0.
struct Steps<'a>(&'a [u8]);

impl Steps<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn or_zero(&mut self) -> u8 {
        self.byte().unwrap_or_default()
    }

    /// As many bytes as the next one says.
    fn bytes(&mut self) -> &[u8] {
        let length = usize::from(self.or_zero()).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }
}

impl World {
    fn new(switches: u8) -> Self {
        let on = |bit: u8| switches & bit != 0;
        let features = Features {
            extended_types: !on(1),
            enforce_quota: on(2),
            reconfig_enabled: on(4),
            ..Features::default()
        };
        let options = EngineOptions {
            tick_ms: 200,
            min_session_timeout_ms: 400,
            max_session_timeout_ms: LONGEST_TIMEOUT_MS,
            session_id_seed_ms: 0x33_0082,
            features,
            containers: ContainerOptions {
                check_interval_ms: 1000,
                max_per_minute: 10_000,
                max_never_used_ms: u64::from(on(8)) * 2000,
            },
            super_digest: Some(zk_proto::data::digest("super:admin")),
            x509_super_user: None,
            skip_acl: on(16),
            read_only: false,
            enforced_schemes: Vec::new(),
            #[cfg(feature = "sasl")]
            sasl: SaslOptions::default(),
        };
        Self {
            engine: Engine::new(options),
            now: Now { elapsed_ms: 0, wall_ms: 0x1a2_039b_0000 },
            last_conn: 0,
            slots: [None; SLOTS],
            peers: BTreeMap::new(),
            granted: BTreeSet::new(),
            sessions: std::array::from_fn(|_| (SessionId::NONE, Password::NONE)),
            requests: Requests::default(),
        }
    }

    fn step(&mut self, step: u8, steps: &mut Steps<'_>) {
        let slot = usize::from(step) % SLOTS;
        match step / SLOTS_U8 % 16 {
            0 => self.open(slot),
            1 => self.hang_up(slot),
            2 => {
                let piece = Bytes::copy_from_slice(steps.bytes());
                self.say(slot, &piece);
            }
            3 => {
                let content = Bytes::copy_from_slice(steps.bytes());
                self.say_framed(slot, |out| out.extend_from_slice(&content));
            }
            4 => {
                let timeout = i32::from(steps.or_zero()) * 100;
                self.open(slot);
                self.connect(slot, SessionId::NONE, Password::NONE, timeout);
            }
            5 => {
                let (session, password) =
                    self.sessions[usize::from(steps.or_zero()) % SLOTS].clone();
                self.open(slot);
                self.connect(slot, session, password, LONGEST_TIMEOUT_MS);
            }
            6 => self.pass(u64::from(steps.or_zero()) * 50),
            7 => {
                let session = self.sessions[slot].0;
                let known = self.engine.replica().has_session(session);
                assert_eq!(self.engine.expire_session(session, self.now), known);
                assert!(!self.engine.replica().has_session(session), "{session:?} is expired");
            }
            8 => self.engine.close_all(),
            _ => {
                let choice = [steps.or_zero(), steps.or_zero(), steps.or_zero()];
                let request = self.requests.next(choice, self.engine.replica().last_zxid());
                self.say_framed(slot, |out| out.extend_from_slice(&request));
            }
        }
    }

    fn open(&mut self, slot: usize) {
        self.hang_up(slot);
        self.last_conn += 1;
        let conn = ConnId(self.last_conn);
        self.engine.handle_opened(conn, (Ipv4Addr::LOCALHOST, 50_000).into(), self.now);
        self.slots[slot] = Some(conn);
        self.peers.insert(conn, Peer::default());
    }

    fn hang_up(&mut self, slot: usize) {
        if let Some(conn) = self.slots[slot].take()
            && self.peers.remove(&conn).is_some()
        {
            self.engine.handle_closed(conn);
        }
    }

    fn connect(&mut self, slot: usize, session_id: SessionId, passwd: Password, timeout: i32) {
        let request = ConnectRequest { timeout, session_id, passwd, ..ConnectRequest::default() };
        self.say_framed(slot, |out| request.encode(out));
    }

    fn say_framed(&mut self, slot: usize, content: impl FnOnce(&mut BytesMut)) {
        let mut bytes = BytesMut::new();
        put_frame(&mut bytes, content);
        self.say(slot, &bytes);
    }

    /// What the task of a connection does with bytes that arrive.
    fn say(&mut self, slot: usize, bytes: &[u8]) {
        let Some(conn) = self.slots[slot] else {
            return;
        };
        let Some(peer) = self.peers.get_mut(&conn) else {
            return;
        };
        peer.inbox.extend_from_slice(bytes);
        while let Some(peer) = self.peers.get_mut(&conn) {
            match take_frame(&mut peer.inbox, MAX_FRAME) {
                Ok(Some(frame)) => {
                    if !peer.asks(&frame) {
                        continue;
                    }
                    self.engine.handle_frame(conn, frame, self.now);
                    self.settle();
                    if let Some(peer) = self.peers.get_mut(&conn) {
                        peer.was_answered();
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    self.peers.remove(&conn);
                    self.engine.handle_closed(conn);
                }
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now.elapsed_ms += ms;
        self.now.wall_ms += ms.cast_signed();
        for _ in 0..PATIENCE {
            if self.engine.next_deadline().is_none_or(|due| due > self.now.elapsed_ms) {
                return;
            }
            self.engine.handle_timeout(self.now);
            self.settle();
        }
        panic!("what is due is never done");
    }

    /// Takes all outputs, and compares what must always hold.
    fn settle(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Send { conn, bytes } => {
                    let peer = self.peers.get_mut(&conn).expect("sent to a closed connection");
                    for (session, password) in peer.hears(bytes) {
                        self.granted.insert(session);
                        let slot = self.slots.iter().position(|open| *open == Some(conn));
                        if let Some(slot) = slot {
                            self.sessions[slot] = (session, password);
                        }
                    }
                }
                Output::Close { conn } => {
                    self.peers.remove(&conn).expect("closed twice");
                }
            }
        }
        let replica = self.engine.replica();
        let alive = self.granted.iter().filter(|session| replica.has_session(**session)).count();
        assert_eq!(replica.session_count(), alive, "sessions that nobody was granted");
        assert_eq!(self.engine.connection_count(), self.peers.len());
        for conn in self.peers.keys() {
            assert_eq!(self.engine.unsent(*conn), 0, "an output that is not put out");
        }
        if let Some(broken) = replica.broken_invariant() {
            panic!("{broken}");
        }
    }

    /// All clients go, and after the longest timeout nothing is left of them.
    fn wind_up(&mut self) {
        for slot in 0..SLOTS {
            self.hang_up(slot);
        }
        assert_eq!(self.engine.connection_count(), 0);
        assert_eq!(self.engine.watch_count(), 0, "watches of nobody");
        for _ in 0..40 {
            self.pass(200);
        }
        assert_eq!(self.engine.replica().session_count(), 0, "sessions that never expire");
    }
}

const SLOTS: usize = 4;
const SLOTS_U8: u8 = 4;
const LONGEST_TIMEOUT_MS: i32 = 4000;
/// As long as any piece of an input, and some.
const MAX_FRAME: usize = 400;
/// How often an engine may ask to be called at one and the same time.
const PATIENCE: usize = 10_000;

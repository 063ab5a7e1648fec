//! What two real servers were sent and what they answered, as `data/wire-vectors.txt` holds it.
#![allow(dead_code, reason = "each test crate reads what it needs")]

use bytes::{Bytes, BytesMut};
use zk_proto::frame::{DEFAULT_MAX_FRAME, take_frame};
use zk_proto::jute::Reader;
use zk_proto::message::RequestHeader;
use zk_proto::{Decode, OpCode};

const FILE: &str = include_str!("../data/wire-vectors.txt");

/// The parts of the file: the development version, and an older release.
pub(crate) const MASTER: usize = 1;
pub(crate) const DEBIAN_3_8: usize = 2;

/// The frames of one exchange, without their length words.
pub(crate) struct Block {
    /// Which server it was: the number of its part in the file.
    pub(crate) server: usize,
    pub(crate) name: &'static str,
    /// At most one; a block without frames tells of silence.
    pub(crate) sent: Option<Bytes>,
    pub(crate) received: Vec<Bytes>,
    /// Whether the server closed the connection behind the last frame.
    pub(crate) closed: bool,
}

impl Block {
    /// Whether the frames are those of the handshake, which have no header.
    pub(crate) fn is_handshake(&self) -> bool {
        self.name.starts_with("connect ")
    }

    /// The opcode of the request, as a number; `None` for the handshake.
    pub(crate) fn op(&self) -> Option<i32> {
        let sent = self.sent.clone().filter(|_| !self.is_handshake())?;
        Some(RequestHeader::decode(&mut Reader::new(sent)).unwrap().op)
    }

    /// The opcode of the request, if it is one.
    pub(crate) fn op_code(&self) -> Option<OpCode> {
        self.op().and_then(OpCode::from_code)
    }
}

/// Every block of the file, in its order. Panics at the first line it has no place for.
pub(crate) fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut servers = 0;
    for line in FILE.lines() {
        if line.starts_with("# ") {
            servers += 1;
        } else if let Some(indented) = line.strip_prefix("  ") {
            blocks.last_mut().unwrap().add(indented);
        } else if !line.is_empty() {
            blocks.push(Block {
                server: servers,
                name: line,
                sent: None,
                received: Vec::new(),
                closed: false,
            });
        }
    }
    blocks
}

impl Block {
    fn add(&mut self, line: &str) {
        assert!(!self.closed, "{}: a frame after the end", self.name);
        match line.split_once(' ').unwrap() {
            ("<", "(closed)") => self.closed = true,
            ("<", hex) => self.received.push(unframe(hex)),
            (">", hex) => {
                let earlier = self.sent.replace(unframe(hex));
                assert!(earlier.is_none(), "{}: two requests", self.name);
            }
            (other, _) => panic!("{}: a line that begins with {other}", self.name),
        }
    }
}

/// Reads hexadecimal digits and takes the one frame that they are.
fn unframe(hex: &str) -> Bytes {
    let digits = hex.as_bytes().chunks(2);
    let mut wire: BytesMut =
        digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
    let frame = take_frame(&mut wire, DEFAULT_MAX_FRAME).unwrap().unwrap();
    assert!(wire.is_empty(), "bytes behind the frame {hex}");
    frame
}

/// The block of a server whose name begins so; the one with just this name if there are several.
pub(crate) fn block(server: usize, name: &str) -> Block {
    let mut found = blocks();
    found.retain(|block| block.server == server && block.name.starts_with(name));
    if found.len() > 1 {
        found.retain(|block| block.name == name);
    }
    assert_eq!(found.len(), 1, "blocks called {name}");
    found.remove(0)
}

//! The inputs that fuzzing starts from: frames of real servers, and nasty ones made by hand.

use bytes::{BufMut, BytesMut};
use zk_proto::frame::put_frame;

use crate::wire_vectors::{Block, DEBIAN_3_8, MASTER, block, blocks};

/// One file of the corpus.
pub(crate) struct Seed {
    pub(crate) target: &'static str,
    pub(crate) name: String,
    pub(crate) input: Vec<u8>,
}

/// Every file of the corpus.
pub(crate) fn seeds() -> Vec<Seed> {
    let mut seeds = streams();
    for block in blocks() {
        if block.server == MASTER {
            seeds.extend(exchange(&block, ""));
        }
    }
    seeds.extend(exchange(&block(DEBIAN_3_8, "multi ok"), "-3-8"));
    seeds.extend(by_hand("frame", FRAMES));
    seeds.extend(by_hand("request", REQUESTS));
    seeds.extend(by_hand("response", RESPONSES));
    seeds
}

/// The frames of a block, each an input of its own.
fn exchange(block: &Block, suffix: &str) -> Vec<Seed> {
    let name = slug(block.name);
    let request = block.sent.iter().map(|frame| Seed {
        target: "request",
        name: format!("{name}{suffix}"),
        input: frame.to_vec(),
    });
    let op = block.op().map_or(0, |op| i8::try_from(op).unwrap());
    let responses = block.received.iter().enumerate().map(|(at, frame)| Seed {
        target: "response",
        name: format!("{name}{suffix}-{at}"),
        input: [&op.to_be_bytes(), &frame[..]].concat(),
    });
    request.chain(responses).collect()
}

/// All frames of a server in one stream, in each direction.
fn streams() -> Vec<Seed> {
    let mut sent = BytesMut::from(&[7, 0, 200][..]);
    let mut received = BytesMut::from(&[64, 1, 0][..]);
    for block in blocks().iter().filter(|block| block.server == MASTER) {
        if let Some(frame) = &block.sent {
            put_frame(&mut sent, |out| out.put_slice(frame));
        }
        for frame in &block.received {
            put_frame(&mut received, |out| out.put_slice(frame));
        }
    }
    [("sent", sent), ("received", received)]
        .map(|(name, stream)| Seed {
            target: "frame",
            name: name.to_owned(),
            input: stream.to_vec(),
        })
        .into()
}

/// Letters and digits of a block's name, with dashes between the words.
fn slug(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

type ByHand = (&'static str, &'static [&'static [u8]]);

fn by_hand(target: &'static str, list: &[ByHand]) -> impl Iterator<Item = Seed> {
    list.iter().map(move |(name, parts)| Seed {
        target,
        name: format!("hand-{name}"),
        input: parts.concat(),
    })
}

const MAX: &[u8] = &[0x7f, 0xff, 0xff, 0xff];
const NULL: &[u8] = &[0xff; 4];
/// A length of −2.
const NEGATIVE: &[u8] = &[0xff, 0xff, 0xff, 0xfe];
const PATH: &[u8] = b"\0\0\0\x02/a";
/// A character above U+FFFF as Java writes it, in a string of seven bytes.
const CESU_8: &[u8] = b"\0\0\0\x07/\xed\xa0\xbd\xed\xb8\x80";
/// Half of it, and other bytes that are not UTF-8.
const NO_TEXT: &[u8] = b"\0\0\0\x09/\xed\xa0\xbd\xff\xc0\x80\xe2\x82";

const FRAMES: &[ByHand] = &[
    ("nothing", &[]),
    ("no-stream", &[&[1, 0, 9]]),
    ("empty-frames", &[&[3, 0, 0], &[0; 12]]),
    ("negative-length", &[&[1, 0, 9], &[0, 0, 0, 1, 7], NULL]),
    ("over-the-limit", &[&[2, 0, 4], &[0, 0, 0, 4], b"four", &[0, 0, 0, 5], b"fives"]),
    ("largest-length", &[&[255, 255, 255], MAX, b"some"]),
    ("cut-length", &[&[1, 0, 9], &[0, 0, 0, 1, 7, 0, 0]]),
    ("cut-frame", &[&[1, 0, 9], &[0, 0, 0, 9], b"eight by"]),
];

/// The header of a request.
macro_rules! header {
    ($op:literal) => {
        &[0, 0, 0, 1, 0, 0, 0, $op]
    };
}

/// The header of an operation in a multi.
macro_rules! item {
    ($op:literal) => {
        &[0, 0, 0, $op, 0, 0xff, 0xff, 0xff, 0xff]
    };
}

const REQUESTS: &[ByHand] = &[
    ("nothing", &[]),
    ("cut-header", &[&[0, 0, 0, 1, 0, 0]]),
    ("cut-create", &[header!(1), PATH, &[0, 0, 0, 9], b"cut"]),
    ("long-path", &[header!(4), MAX, b"/a", &[1]]),
    ("negative-path", &[header!(4), NEGATIVE, &[1]]),
    ("null-path", &[header!(9), NULL]),
    ("root", &[header!(9), b"\0\0\0\x01/"]),
    ("first-level-path", &[header!(9), PATH]),
    ("cesu-8-path", &[header!(9), CESU_8]),
    ("path-that-is-no-text", &[header!(9), NO_TEXT]),
    ("many-acls", &[header!(1), PATH, NULL, MAX, &[0; 64]]),
    ("negative-acls", &[header!(1), PATH, NULL, NEGATIVE, &[0; 4]]),
    ("null-acls", &[header!(1), PATH, NULL, NULL, &[0; 4]]),
    ("acls-of-nulls", &[header!(1), PATH, NULL, &[0, 0, 0, 2], &[0xff; 24], &[0; 4]]),
    ("many-watches", &[header!(105), &[0; 8], MAX, MAX, MAX, MAX, MAX]),
    ("null-watches", &[header!(101), &[0; 12], NULL, &[0; 4]]),
    ("empty-multi", &[header!(14), NULL, &[1], NULL]),
    ("multi-without-end", &[header!(14), item!(2), PATH, NULL]),
    ("multi-with-a-read", &[header!(14), item!(4), PATH, &[0], NULL, &[1], NULL]),
    ("multi-in-a-multi", &[header!(14), item!(14), item!(14), item!(14)]),
    ("multi-with-many-acls", &[header!(14), item!(1), PATH, NULL, MAX, &[0; 64]]),
    (
        "multi-read",
        &[header!(22), item!(4), CESU_8, &[2], item!(8), NO_TEXT, &[0], NULL, &[1], NULL],
    ),
    ("unknown-watch-mode", &[header!(106), PATH, MAX]),
    ("unknown-opcode", &[header!(10), PATH]),
    ("more-than-a-ping", &[header!(11), PATH, PATH]),
];

/// The opcode of the request, and the header of a reply.
macro_rules! reply {
    ($op:literal) => {
        &[$op, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]
    };
}

const RESPONSES: &[ByHand] = &[
    ("nothing", &[]),
    ("only-an-opcode", &[&[4]]),
    ("cut-header", &[&[4, 0, 0, 0, 1, 0, 0, 0]]),
    ("long-data", &[reply!(4), MAX, &[0; 68]]),
    ("null-data", &[reply!(4), NULL, &[0; 68]]),
    ("cut-stat", &[reply!(3), &[0; 67]]),
    ("more-than-a-stat", &[reply!(3), &[0; 70]]),
    ("many-children", &[reply!(8), MAX, PATH]),
    ("negative-children", &[reply!(12), NEGATIVE, &[0; 68]]),
    ("null-child", &[reply!(8), &[0, 0, 0, 2], PATH, NULL]),
    ("cesu-8-acl", &[reply!(6), &[0, 0, 0, 1], &[0, 0, 0, 31], CESU_8, NO_TEXT, &[0; 68]]),
    ("unknown-error-in-a-multi", &[reply!(14), NULL, &[0], MAX, MAX, NULL, &[1], NULL]),
    ("multi-without-end", &[reply!(14), &[0, 0, 0, 13, 0, 0, 0, 0, 0]]),
    ("multi-read-with-many-children", &[reply!(22), &[0, 0, 0, 8, 0, 0, 0, 0, 0], MAX, PATH]),
    ("unknown-event", &[reply!(0), MAX, MAX, PATH]),
    ("null-password", &[&[0; 17], NULL, &[1]]),
    ("long-password", &[&[0; 17], MAX, &[1]]),
];

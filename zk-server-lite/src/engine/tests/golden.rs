//! Frames captured from a real ZooKeeper, request by request against this engine.
//!
//! Ids, passwords and zxids come out equal. Times are masked, and children are sorted, because
//! ZooKeeper lists them in no order.

use super::*;

const VECTORS: &str = include_str!("../../../../zk-proto/tests/data/wire-vectors.txt");

/// One exchange: a name, a request and what came back, in hexadecimal with lengths.
#[derive(Debug, Default)]
struct Block {
    name: String,
    request: String,
    replies: Vec<String>,
}

/// The first half of the file: ZooKeeper's master branch.
fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut headings = 0;
    for line in VECTORS.lines() {
        if line.starts_with('#') {
            headings += 1;
        } else if headings > 1 {
            break;
        } else if let Some(request) = line.strip_prefix("  > ") {
            blocks.last_mut().unwrap().request = request.to_owned();
        } else if let Some(reply) = line.strip_prefix("  < ") {
            blocks.last_mut().unwrap().replies.push(reply.to_owned());
        } else if !line.is_empty() {
            blocks.push(Block { name: line.to_owned(), ..Block::default() });
        }
    }
    blocks
}

#[test]
fn every_offered_operation_answers_byte_for_byte_like_zookeeper() {
    let mut bench = Bench::new();
    let mut main = None;
    let mut compared = 0;
    for block in blocks() {
        // Each connect, and what ends a connection in the middle of the file, has its own.
        let conn = if block.name.starts_with("connect") {
            let conn = bench.open();
            main.get_or_insert(conn);
            conn
        } else if block.name.ends_with("then close") && !block.name.starts_with("closeSession") {
            bench.session().conn
        } else {
            main.unwrap()
        };
        let Block { request, replies: expected, .. } = &block;
        // What the server does by itself is no exchange.
        if block.name.starts_with("expiry") {
            continue;
        }
        bench.now.wall_ms += 1;
        bench.engine.handle_frame(conn, bytes(request).split_off(4).freeze(), bench.now);
        let actual: Vec<String> = bench.seen(conn).iter().map(to_text).collect();
        assert_eq!(
            actual.iter().map(|line| normal(line, request)).collect::<Vec<_>>(),
            expected.iter().map(|line| normal(line, request)).collect::<Vec<_>>(),
            "{}",
            block.name
        );
        compared += 1;
    }
    assert_eq!(compared, 36, "blocks were skipped");
}

fn to_text(seen: &Seen) -> String {
    match seen {
        Seen::Frame(frame) => hex(&framed(frame)),
        Seen::Closed => "(closed)".to_owned(),
    }
}

/// Masks times, which all begin alike, and sorts lists of children.
fn normal(line: &str, request: &str) -> String {
    const GET_CHILDREN: &str = "00000008";
    let mut line = line.to_owned();
    if request.get(16..24) == Some(GET_CHILDREN) && line.len() > 40 {
        let mut reader = Reader::new(bytes(&line).split_off(4 + 16).freeze());
        let mut children = Vec::<zk_proto::ByteString>::decode(&mut reader).unwrap();
        children.sort();
        line = format!("{}{children:?}", &line[..40]);
    }
    let mut masked = String::new();
    let mut rest = line.as_str();
    while let Some((before, after)) = rest.split_once("000001a2039b") {
        masked.push_str(before);
        masked.push_str("[time]");
        rest = &after[4..];
    }
    masked + rest
}

fn bytes(hex: &str) -> BytesMut {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

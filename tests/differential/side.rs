//! One of the two servers, doing a program.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::time::timeout;
use zk_proto::frame::put_frame;
use zk_proto::jute::Reader;
use zk_proto::message::{ConnectRequest, ConnectResponse, ReplyHeader};
use zk_proto::{Decode, Password, SessionId, Xid, Zxid};
use zk_test_kit::RawConnection;
use zk_test_kit::network::Dial;
use zk_test_kit::request::create;

use crate::observe::{Item, Kind, Names};
use crate::program::{CLOSE_SESSION, Call, Handshake, PING, Program, Session, Step};

/// What all connections of a program saw.
pub(crate) type Transcript = Vec<Stream>;

/// What one connection saw, in its order.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) slot: usize,
    pub(crate) seen: Vec<Seen>,
}

/// A thing it saw.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// During which step it was read.
    pub(crate) step: usize,
    pub(crate) item: Item,
    /// The request that it is the reply to.
    pub(crate) call: Option<Call>,
}

/// How often all connections are asked for what they have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quiet {
    /// Only where it matters, which is faster.
    WhenNeeded,
    /// After each step, so that an event is known to be of it.
    AfterEachStep,
}

/// Does a program below `root`, and tells what was seen.
pub(crate) async fn run(dial: &Dial, root: &str, program: &Program, quiet: Quiet) -> Transcript {
    let mut control = connect(dial).await;
    control.open_session(CONTROL_TIMEOUT).await;
    let created = control.ask(1, &create(root)).await;
    let created: zk_proto::message::Create2Response = created.decode();
    let mut side = Side {
        dial,
        names: Names::new(root, &created.stat),
        slots: BTreeMap::new(),
        streams: Vec::new(),
        passwords: BTreeMap::new(),
        step: 0,
    };
    for (number, step) in program.steps.iter().enumerate() {
        side.step = number;
        side.act(step).await;
        if quiet == Quiet::AfterEachStep {
            side.settle_all().await;
        }
    }
    side.settle_all().await;
    side.clean().await;
    control.send(2, &zk_test_kit::request::close_session()).await;
    let _ = control.rest().await;
    side.streams
}

struct Side<'a> {
    dial: &'a Dial,
    names: Names,
    slots: BTreeMap<usize, Connection>,
    streams: Transcript,
    /// Of the sessions that were granted and not closed, by their numbers.
    passwords: BTreeMap<usize, (SessionId, Password)>,
    step: usize,
}

/// An open connection.
struct Connection {
    raw: RawConnection,
    /// Where it is told what it sees.
    stream: usize,
    session: usize,
    last_xid: i32,
    waiting: VecDeque<Waiting>,
}

/// What is to be answered.
struct Waiting {
    xid: i32,
    /// None for a ping of ours.
    call: Option<Call>,
}

impl Side<'_> {
    async fn act(&mut self, step: &Step) {
        match step {
            Step::Connect { slot, handshake } => {
                self.drop_connection(*slot).await;
                self.connect(*slot, handshake).await;
            }
            Step::Drop { slot } => self.drop_connection(*slot).await,
            Step::Close { slot } => self.close(*slot).await,
            Step::Send { slot, calls } => self.send(*slot, calls).await,
        }
    }

    async fn connect(&mut self, slot: usize, handshake: &Handshake) {
        let Some((number, session_id, passwd)) = self.claim(&handshake.session) else {
            return;
        };
        let mut raw = connect(self.dial).await;
        raw.send_frame(&ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: Zxid(handshake.last_zxid.absolute(self.names.base)),
            timeout: handshake.timeout,
            session_id,
            passwd,
            read_only: handshake.read_only,
        })
        .await;
        let stream = self.streams.len();
        self.streams.push(Stream { slot, seen: Vec::new() });
        let answer = match frame(&mut raw).await {
            Frame::Bytes(bytes) => bytes,
            Frame::End => return self.see(stream, Item::new(Kind::Closed)),
            Frame::Nothing => return self.see(stream, Item::new(Kind::Silence)),
        };
        let response = ConnectResponse::decode(&mut Reader::new(answer.clone())).unwrap();
        let granted = response.timeout > 0 && response.session_id.0 != 0;
        if granted && matches!(handshake.session, Session::New { .. }) {
            self.names.sessions.insert(response.session_id.0, number);
            self.passwords.insert(number, (response.session_id, response.passwd.clone()));
        }
        self.see(stream, self.connected(&response, answer.len()));
        // A handshake that is about a session closes the connection that has it.
        for slot in self.slots_of(number) {
            self.until_closed(slot).await;
        }
        let waiting = VecDeque::new();
        let connection = Connection { raw, stream, session: number, last_xid: 0, waiting };
        self.slots.insert(slot, connection);
        if !granted {
            self.until_closed(slot).await;
        }
    }

    /// The number, id and password of a session to ask for; none if it never came to be.
    fn claim(&self, session: &Session) -> Option<(usize, SessionId, Password)> {
        let given = |passwd: &Option<Vec<u8>>| {
            let mut wire = BytesMut::new();
            match passwd {
                None => wire.put_i32(-1),
                Some(bytes) => {
                    wire.put_i32(i32::try_from(bytes.len()).unwrap());
                    wire.put_slice(bytes);
                }
            }
            Password::decode(&mut Reader::new(wire.freeze())).unwrap()
        };
        Some(match session {
            Session::New { number, passwd } => (*number, SessionId::NONE, given(passwd)),
            Session::Resumed { number } => {
                let (id, passwd) = self.passwords.get(number)?;
                (*number, *id, passwd.clone())
            }
            Session::Stolen { number, passwd } => {
                let (id, _) = self.passwords.get(number)?;
                (*number, *id, given(passwd))
            }
            Session::Unknown { id } => (NO_SESSION, SessionId(*id), Password::new([7; 16])),
        })
    }

    fn connected(&self, response: &ConnectResponse, length: usize) -> Item {
        let id = response.session_id.0;
        let session = match self.names.sessions.get(&id) {
            Some(number) => format!("S{number}"),
            None => id.to_string(),
        };
        let same = self.passwords.values().any(|(_, passwd)| *passwd == response.passwd);
        let password = match response.passwd.as_bytes() {
            bytes if bytes.iter().all(|byte| *byte == 0) => "zeros",
            _ if same => "of the session",
            _ => "of nobody",
        };
        Item::new(Kind::Connected)
            .with("session", session)
            .with("timeOut", response.timeout)
            .with("password", password)
            .with("readOnly", format!("{:?}", response.read_only))
            .with("protocolVersion", response.protocol_version)
            .with("length", length)
    }

    fn slots_of(&self, session: usize) -> Vec<usize> {
        let slots = self.slots.iter();
        slots.filter(|(_, open)| open.session == session).map(|(slot, _)| *slot).collect()
    }

    async fn drop_connection(&mut self, slot: usize) {
        self.settle(&[slot]).await;
        self.slots.remove(&slot);
    }

    async fn close(&mut self, slot: usize) {
        if !self.slots.contains_key(&slot) {
            return;
        }
        self.settle_all().await;
        let before: Vec<_> = self.streams.iter().map(|stream| stream.seen.len()).collect();
        self.send(slot, &[Call::new(CLOSE_SESSION, Vec::new())]).await;
        self.settle_all().await;
        for (stream, before) in self.streams.iter_mut().zip(before) {
            sort_events(stream.seen.get_mut(before..).unwrap_or_default());
        }
    }

    /// Sends requests in one go, and waits for all that comes of them on this connection.
    async fn send(&mut self, slot: usize, calls: &[Call]) {
        let (root, base) = (self.names.root.clone(), self.names.base);
        let Some(open) = self.slots.get_mut(&slot) else { return };
        let mut out = BytesMut::new();
        for call in calls {
            let xid = call.xid.unwrap_or_else(|| open.next_xid());
            put_request(&mut out, xid, call.op, &call.body(&root, base));
            open.waiting
                .push_back(Waiting { xid: answered_as(call.op, xid), call: Some(call.clone()) });
        }
        // Behind a request that ends the connection nothing is sure to be answered.
        let last = calls.last().is_some_and(Call::is_last);
        if !last {
            open.put_ping(&mut out);
        }
        open.send(&out).await;
        if last {
            self.until_closed(slot).await;
        } else {
            self.listen(slot).await;
        }
    }

    /// Waits until all connections have heard of all that was done.
    async fn settle_all(&mut self) {
        let slots: Vec<_> = self.slots.keys().copied().collect();
        self.settle(&slots).await;
    }

    async fn settle(&mut self, slots: &[usize]) {
        for slot in slots {
            if let Some(open) = self.slots.get_mut(slot) {
                let mut out = BytesMut::new();
                open.put_ping(&mut out);
                open.send(&out).await;
            }
        }
        for slot in slots {
            self.listen(*slot).await;
        }
    }

    /// Reads until our ping is answered.
    async fn listen(&mut self, slot: usize) {
        while self.slots.get(&slot).is_some_and(|open| !open.waiting.is_empty()) {
            let Some(open) = self.slots.get_mut(&slot) else { return };
            match frame(&mut open.raw).await {
                Frame::Bytes(bytes) => self.take(slot, bytes),
                Frame::End => self.end(slot, Kind::Closed),
                Frame::Nothing => self.end(slot, Kind::Silence),
            }
        }
    }

    /// Reads until the server hangs up, which it should do at once.
    async fn until_closed(&mut self, slot: usize) {
        while let Some(open) = self.slots.get_mut(&slot) {
            match frame(&mut open.raw).await {
                Frame::Bytes(bytes) => self.take(slot, bytes),
                Frame::End => self.end(slot, Kind::Closed),
                Frame::Nothing => self.end(slot, Kind::Silence),
            }
        }
    }

    fn end(&mut self, slot: usize, kind: Kind) {
        if let Some(open) = self.slots.remove(&slot) {
            for call in open.waiting.into_iter().filter_map(|waiting| waiting.call) {
                let item = Item::new(Kind::NoReply(call.op));
                self.see_reply(open.stream, item, call);
            }
            self.see(open.stream, Item::new(kind));
        }
    }

    /// A frame behind the handshake.
    fn take(&mut self, slot: usize, bytes: Bytes) {
        let Some(open) = self.slots.get_mut(&slot) else { return };
        let (stream, session) = (open.stream, open.session);
        let mut reader = Reader::new(bytes.clone());
        let Ok(header) = ReplyHeader::decode(&mut reader) else {
            return self.see(stream, stray(&bytes));
        };
        let body = reader.into_rest();
        if header.xid == Xid::NOTIFICATION {
            return self.see(stream, self.names.event(&header, body));
        }
        let position = open.waiting.iter().position(|waiting| waiting.xid == header.xid.0);
        let Some(position) = position else {
            return self.see(stream, stray(&bytes));
        };
        let unanswered: Vec<_> = open.waiting.drain(..position).collect();
        let answered = open.waiting.pop_front();
        for call in unanswered.into_iter().filter_map(|waiting| waiting.call) {
            self.see_reply(stream, Item::new(Kind::NoReply(call.op)), call);
        }
        if let Some(call) = answered.and_then(|waiting| waiting.call) {
            if call.op == CLOSE_SESSION {
                self.passwords.remove(&session);
            }
            let item = self.names.reply(&call, &header, body);
            self.see_reply(stream, item, call);
        }
    }

    fn see(&mut self, stream: usize, item: Item) {
        let seen = Seen { step: self.step, item, call: None };
        self.streams.get_mut(stream).unwrap().seen.push(seen);
    }

    fn see_reply(&mut self, stream: usize, item: Item, call: Call) {
        let seen = Seen { step: self.step, item, call: Some(call) };
        self.streams.get_mut(stream).unwrap().seen.push(seen);
    }

    /// Ends the sessions, so that none expires while another program runs.
    async fn clean(&mut self) {
        self.step += 1;
        for slot in self.slots.keys().copied().collect::<Vec<_>>() {
            self.close(slot).await;
        }
        for (_, (id, passwd)) in std::mem::take(&mut self.passwords) {
            let mut raw = connect(self.dial).await;
            if raw.resume_session(CONTROL_TIMEOUT, id, passwd).await.is_some() {
                raw.send(1, &zk_test_kit::request::close_session()).await;
                let _ = raw.rest().await;
            }
        }
    }
}

impl Connection {
    const fn next_xid(&mut self) -> i32 {
        self.last_xid += 1;
        self.last_xid
    }

    fn put_ping(&mut self, out: &mut BytesMut) {
        put_request(out, Xid::PING.0, PING, &[]);
        self.waiting.push_back(Waiting { xid: Xid::PING.0, call: None });
    }

    /// If the server has hung up, reading will tell.
    async fn send(&mut self, bytes: &[u8]) {
        let _ = self.raw.try_send_bytes(bytes).await;
    }
}

async fn connect(dial: &Dial) -> RawConnection {
    RawConnection::new(dial().await.unwrap())
}

fn put_request(out: &mut BytesMut, xid: i32, op: i32, body: &[u8]) {
    put_frame(out, |out| {
        out.put_i32(xid);
        out.put_i32(op);
        out.put_slice(body);
    });
}

/// The order in which the nodes of a session go is nobody's business.
fn sort_events(seen: &mut [Seen]) {
    for run in seen.chunk_by_mut(|a, b| a.item.kind == Kind::Event && b.item.kind == Kind::Event) {
        run.sort_by(|a, b| a.item.fields.cmp(&b.item.fields));
    }
}

fn stray(bytes: &[u8]) -> Item {
    Item::new(Kind::Stray).with("bytes", crate::program::shown(Some(bytes)))
}

enum Frame {
    Bytes(Bytes),
    End,
    Nothing,
}

async fn frame(raw: &mut RawConnection) -> Frame {
    match timeout(PATIENCE, raw.frame()).await {
        Ok(Some(bytes)) => Frame::Bytes(bytes),
        Ok(None) => Frame::End,
        Err(_) => Frame::Nothing,
    }
}

/// The xid of the reply.
const fn answered_as(op: i32, xid: i32) -> i32 {
    if op == PING { Xid::PING.0 } else { xid }
}

/// Long enough for a loaded machine, shorter than any session timeout here.
const PATIENCE: Duration = Duration::from_secs(3);
const CONTROL_TIMEOUT: Duration = Duration::from_secs(30);

/// The number of the sessions that never were.
const NO_SESSION: usize = usize::MAX;

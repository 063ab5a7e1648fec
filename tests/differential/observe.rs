//! What a server says, without what must differ from server to server.
//!
//! | on the wire | here |
//! |---|---|
//! | zxid | the distance to the one that made the program's root; `old` when before it |
//! | session id | the session's number in the program |
//! | the program's root | `~` |
//! | time | whether it belongs to its zxid |
//! | lists without order | sorted |
//! | address of the client | `ip` |

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use zk_proto::jute::Reader;
use zk_proto::message::{MultiReadResult, MultiResult, ReplyHeader};
use zk_proto::op::Response;
use zk_proto::{Acl, ByteString, Decode, OpCode, Stat, WatchedEvent};

use crate::program::{Call, Place, first_place, op_name, shown};

/// One thing that a connection saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    /// What is compared: names and values in their order.
    pub(crate) fields: Vec<(String, String)>,
}

/// Of what sort it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Connected,
    /// A reply to an operation.
    Reply(i32),
    /// No reply to it, though later ones came.
    NoReply(i32),
    Event,
    /// The server hung up.
    Closed,
    /// Nothing came for a long time.
    Silence,
    /// What is no reply to anything that was asked.
    Stray,
}

/// What one server calls things.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) root: String,
    /// The zxid that made the root.
    pub(crate) base: i64,
    pub(crate) sessions: BTreeMap<i64, usize>,
    /// When the transactions were, as their nodes tell.
    times: BTreeMap<i64, i64>,
    /// The time of the transaction that made the root.
    start: i64,
}

impl Item {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self { kind, fields: Vec::new() }
    }

    pub(crate) fn with(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.push(name, value);
        self
    }

    fn push(&mut self, name: impl Into<String>, value: impl fmt::Display) {
        self.fields.push((name.into(), value.to_string()));
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Replaces a value; false when there is none of this name.
    pub(crate) fn mask(&mut self, name: &str) -> bool {
        let found = self.fields.iter_mut().find(|(known, _)| known == name);
        found.map(|(_, value)| "*".clone_into(value)).is_some()
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.fields.retain(|(known, _)| known != name);
    }
}

impl Names {
    pub(crate) fn new(root: &str, created: &Stat) -> Self {
        Self {
            root: root.to_owned(),
            base: created.czxid.0,
            sessions: BTreeMap::new(),
            times: BTreeMap::new(),
            start: created.ctime,
        }
    }

    /// A frame that is an event.
    pub(crate) fn event(&self, header: &ReplyHeader, body: Bytes) -> Item {
        let item = Item::new(Kind::Event);
        match WatchedEvent::decode(&mut Reader::new(body.clone())) {
            Ok(event) => item
                .with("path", self.text(&event.path))
                .with("type", format!("{:?}", event.event_type))
                .with("state", format!("{:?}", event.state))
                .with("zxid", self.zxid(header.zxid.0))
                .with("err", header.err.code())
                .with("length", body.len()),
            Err(error) => item.with("undecodable", error).with("bytes", shown(Some(&body))),
        }
    }

    /// A frame that is the reply to a request.
    pub(crate) fn reply(&mut self, call: &Call, header: &ReplyHeader, body: Bytes) -> Item {
        let mut item = Item::new(Kind::Reply(call.op));
        let of_ops = call.ops().iter().map(|(_, fields)| is_shared(first_place(fields))).collect();
        let shared: Vec<bool> = match call.ops() {
            [] => vec![is_shared(call.place())],
            _ => of_ops,
        };
        item.push("err", header.err.code());
        item.push("xid", header.xid.0);
        item.push("zxid", self.zxid(header.zxid.0));
        if !shared.contains(&true) {
            item.push("length", body.len());
        }
        if header.err.code() != 0 || body.is_empty() {
            if !body.is_empty() {
                item.push("body of a failure", shown(Some(&body)));
            }
            return item;
        }
        let mut reader = Reader::new(body.clone());
        let op = OpCode::from_code(call.op);
        match op.and_then(|op| Response::decode(op, &mut reader).transpose()) {
            Some(Ok(response)) => self.response(&mut item, &response, &shared),
            Some(Err(error)) => {
                item.push("undecodable", error);
                item.push("bytes", shown(Some(&body)));
            }
            None => item.push("bytes", shown(Some(&body))),
        }
        if reader.remaining() > 0 {
            item.push("behind", shown(Some(&reader.into_rest())));
        }
        item
    }

    fn response(&mut self, item: &mut Item, response: &Response, of_ops: &[bool]) {
        let shared = of_ops == [true];
        match response {
            Response::Create(body) => item.push("path", self.text(&body.path)),
            Response::Create2(body)
            | Response::CreateContainer(body)
            | Response::CreateTtl(body) => {
                item.push("path", self.text(&body.path));
                self.stat(item, "stat", &body.stat, shared);
            }
            Response::Exists(body) => self.stat(item, "stat", &body.stat, shared),
            Response::SetData(body) => self.stat(item, "stat", &body.stat, shared),
            Response::SetAcl(body) => self.stat(item, "stat", &body.stat, shared),
            Response::GetData(body) | Response::Reconfig(body) => {
                item.push("data", self.data(body.data.as_deref()));
                self.stat(item, "stat", &body.stat, shared);
            }
            Response::GetAcl(body) => {
                item.push("acl", acls(&body.acl));
                self.stat(item, "stat", &body.stat, shared);
            }
            Response::GetChildren(body) => {
                item.push("children", self.names(&body.children, shared));
            }
            Response::GetChildren2(body) => {
                item.push("children", self.names(&body.children, shared));
                self.stat(item, "stat", &body.stat, shared);
            }
            Response::GetEphemerals(body) => {
                item.push("ephemerals", self.names(&body.ephemerals, false));
            }
            Response::Sync(body) => item.push("path", self.text(&body.path)),
            Response::GetAllChildrenNumber(body) if shared => {
                item.push("any", body.total_number > 0);
            }
            Response::GetAllChildrenNumber(body) => item.push("number", body.total_number),
            Response::AddWatch(body) => item.push("body", body.err.code()),
            Response::WhoAmI(body) => {
                let mut ids: Vec<_> = body
                    .client_info
                    .iter()
                    .map(|info| format!("{}:{}", info.auth_scheme, user(info)))
                    .collect();
                ids.sort();
                item.push("ids", ids.join(", "));
                // An address is of any length.
                item.remove("length");
            }
            Response::Multi(body) => {
                for (position, result) in body.results.iter().enumerate() {
                    self.multi_result(item, position, result);
                }
            }
            Response::MultiRead(body) => {
                for (position, result) in body.results.iter().enumerate() {
                    let shared = of_ops.get(position) == Some(&true);
                    self.multi_read_result(item, &position.to_string(), result, shared);
                }
            }
            Response::Sasl(body) => item.push("token", shown(body.token.0.as_deref())),
            other => item.push("body", format!("{other:?}")),
        }
    }

    fn multi_result(&mut self, item: &mut Item, position: usize, result: &MultiResult) {
        let name = |what: &str| format!("{position}.{what}");
        match result {
            MultiResult::Create(body) => {
                item.push(name("type"), "create");
                item.push(name("path"), self.text(&body.path));
            }
            MultiResult::Create2(body) => {
                item.push(name("type"), "create2");
                item.push(name("path"), self.text(&body.path));
                self.stat(item, &name("stat"), &body.stat, false);
            }
            MultiResult::SetData(body) => {
                item.push(name("type"), "setData");
                self.stat(item, &name("stat"), &body.stat, false);
            }
            MultiResult::Delete(_) => item.push(name("type"), "delete"),
            MultiResult::Check(_) => item.push(name("type"), "check"),
            MultiResult::Error(body) => item.push(name("error"), body.err.code()),
            other => item.push(name("other"), format!("{other:?}")),
        }
    }

    fn multi_read_result(
        &mut self,
        item: &mut Item,
        position: &str,
        result: &MultiReadResult,
        shared: bool,
    ) {
        let name = |what: &str| format!("{position}.{what}");
        match result {
            MultiReadResult::GetData(body) => {
                item.push(name("data"), self.data(body.data.as_deref()));
                self.stat(item, &name("stat"), &body.stat, shared);
            }
            MultiReadResult::GetChildren(body) => {
                item.push(name("children"), self.names(&body.children, shared));
            }
            MultiReadResult::Error(body) => item.push(name("error"), body.err.code()),
            other => item.push(name("other"), format!("{other:?}")),
        }
    }

    /// The state of a node. Of one that other programs change too, only what they cannot.
    fn stat(&mut self, item: &mut Item, prefix: &str, stat: &Stat, shared: bool) {
        let mut push = |name: &str, value: String| item.push(format!("{prefix}.{name}"), value);
        push("czxid", self.zxid(stat.czxid.0));
        push("mzxid", self.zxid(stat.mzxid.0));
        push("ctime", self.time(stat.czxid.0, stat.ctime));
        push("mtime", self.time(stat.mzxid.0, stat.mtime));
        push("version", stat.version.0.to_string());
        push("aversion", stat.aversion.0.to_string());
        push("ephemeralOwner", self.session(stat.ephemeral_owner.0));
        push("dataLength", stat.data_length.to_string());
        if !shared {
            push("cversion", stat.cversion.0.to_string());
            push("numChildren", stat.num_children.to_string());
            push("pzxid", self.zxid(stat.pzxid.0));
        }
    }

    pub(crate) fn zxid(&self, zxid: i64) -> String {
        match zxid {
            ..=0 => zxid.to_string(),
            1.. if zxid < self.base => "old".to_owned(),
            _ => format!("+{}", zxid - self.base),
        }
    }

    /// Whether a time can be the one of its transaction: the same wherever that is told, and not
    /// far from when the program began.
    fn time(&mut self, zxid: i64, time: i64) -> String {
        if time == 0 || zxid < self.base {
            return if time == 0 { "0" } else { "old" }.to_owned();
        }
        let known = *self.times.entry(zxid).or_insert(time);
        if known != time {
            format!("{} ms from another of its transaction", time - known)
        } else if (time - self.start).abs() > A_WHILE_MS {
            format!("{} ms from the begin", time - self.start)
        } else {
            "ok".to_owned()
        }
    }

    fn session(&self, id: i64) -> String {
        match self.sessions.get(&id) {
            Some(number) => format!("S{number}"),
            None if id == 0 => "0".to_owned(),
            None => format!("unknown {id:#x}"),
        }
    }

    fn text(&self, text: &str) -> String {
        text.replace(&self.root, "~")
    }

    fn data(&self, data: Option<&[u8]>) -> String {
        self.text(&shown(data))
    }

    /// Names in order. Of those beside the root only what every server has is kept.
    fn names(&self, names: &[ByteString], shared: bool) -> String {
        let own = self.root.trim_start_matches('/');
        let mut names: Vec<_> = names
            .iter()
            .filter(|name| !shared || ["zookeeper", "quota", "config", own].contains(&&***name))
            .map(|name| if **name == *own { "~".to_owned() } else { self.text(name) })
            .collect();
        names.sort();
        format!("[{}]", names.join(", "))
    }
}

fn user(info: &zk_proto::data::ClientInfo) -> &str {
    if *info.auth_scheme == *"ip" { "ip" } else { &info.user }
}

fn acls(acls: &[Acl]) -> String {
    let text = |text: &Option<ByteString>| text.as_deref().unwrap_or("null").to_owned();
    let acls: Vec<_> = acls
        .iter()
        .map(|acl| format!("{}:{}:{}", text(&acl.id.scheme), text(&acl.id.id), acl.perms.bits()))
        .collect();
    format!("[{}]", acls.join(", "))
}

/// Whether other programs change the node too.
fn is_shared(place: Option<&Place>) -> bool {
    matches!(place, Some(Place::Raw(path)) if path.is_empty() || path == "/" || path.starts_with("/zookeeper"))
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Connected => f.write_str("connected:")?,
            Kind::Reply(op) => write!(f, "{}:", op_name(*op))?,
            Kind::NoReply(op) => write!(f, "no reply to {}", op_name(*op))?,
            Kind::Event => f.write_str("event:")?,
            Kind::Closed => f.write_str("the server hangs up")?,
            Kind::Silence => f.write_str("nothing comes")?,
            Kind::Stray => f.write_str("nobody asked for this:")?,
        }
        for (name, value) in &self.fields {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

/// How the names of all roots begin.
pub(crate) const ROOT_PREFIX: &str = "diff-";

/// No program runs for so long.
const A_WHILE_MS: i64 = 10 * 60 * 1000;

//! What is done to both servers: a list of steps, which can be printed, encoded and shrunk.

use std::fmt;

use bytes::{BufMut, BytesMut};

/// One program. It works below a root of its own, which is no part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) steps: Vec<Step>,
}

/// What happens on one of a few connections, each known by its slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A new connection in the slot says a first frame.
    Connect { slot: usize, handshake: Handshake },
    /// The connection is closed without a word.
    Drop { slot: usize },
    /// The session is closed, and the connection with it.
    Close { slot: usize },
    /// Requests in one go.
    Send { slot: usize, calls: Vec<Call> },
}

/// The first frame of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handshake {
    pub(crate) session: Session,
    pub(crate) timeout: i32,
    pub(crate) read_only: Option<bool>,
    pub(crate) last_zxid: Zx,
}

/// Which session a handshake is about. A session has the number that its step gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    /// A new one, with a password that does not matter.
    New { number: usize, passwd: Option<Vec<u8>> },
    /// One of before.
    Resumed { number: usize },
    /// One of before, with this password.
    Stolen { number: usize, passwd: Option<Vec<u8>> },
    /// One that never was.
    Unknown { id: i64 },
}

/// One request: any opcode with any fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// None for the next number of the connection.
    pub(crate) xid: Option<i32>,
    pub(crate) op: i32,
    pub(crate) fields: Vec<Field>,
    /// How many bytes are cut off the end.
    pub(crate) cut: usize,
}

/// A value in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Int(i32),
    Long(i64),
    Bool(u8),
    Zxid(Zx),
    Path(Place),
    Text(Option<String>),
    Data(Option<Vec<u8>>),
    /// A list of ACLs; a count without items when it is `Err`.
    Acls(Result<Vec<Ace>, i32>),
    Paths(Result<Vec<Place>, i32>),
    /// The operations of a multi, with its end.
    Ops(Vec<(i32, Vec<Self>)>),
}

/// An access control entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ace {
    pub(crate) perms: i32,
    pub(crate) scheme: Option<String>,
    pub(crate) id: Option<String>,
}

/// A path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Below the root of the program, or the root itself when empty.
    Own(String),
    /// The same below `/zookeeper/quota`.
    Quota(String),
    /// As it is.
    Raw(String),
    Null,
}

/// A zxid, told from the one that made the program's root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zx {
    Zero,
    After(i64),
    Max,
}

impl Program {
    /// How many requests there are.
    pub(crate) fn operations(&self) -> usize {
        self.steps.iter().map(Step::operations).sum()
    }
}

impl Step {
    fn operations(&self) -> usize {
        match self {
            Self::Send { calls, .. } => calls.len(),
            Self::Connect { .. } | Self::Close { .. } => 1,
            Self::Drop { .. } => 0,
        }
    }
}

impl Call {
    pub(crate) const fn new(op: i32, fields: Vec<Field>) -> Self {
        Self { xid: None, op, fields, cut: 0 }
    }

    /// The first path in the request: which node it is about.
    pub(crate) fn place(&self) -> Option<&Place> {
        first_place(&self.fields)
    }

    /// The operations in a multi.
    pub(crate) fn ops(&self) -> &[(i32, Vec<Field>)] {
        let ops = self.fields.iter().find_map(|field| match field {
            Field::Ops(ops) => Some(ops.as_slice()),
            _ => None,
        });
        ops.unwrap_or_default()
    }

    /// Whether the server hangs up after this.
    pub(crate) fn is_last(&self) -> bool {
        match (self.op, self.fields.as_slice()) {
            (CLOSE_SESSION | CHECK, _) => true,
            (AUTH, [_, Field::Text(Some(scheme)), Field::Data(data)]) => match scheme.as_str() {
                "ip" => false,
                "digest" => data.is_none(),
                _ => true,
            },
            (op, _) => op_name(op).starts_with("opcode"),
        }
    }

    /// Whether it has a body that can be too short, and nothing else is wrong with it.
    pub(crate) fn can_be_cut(&self) -> bool {
        !self.fields.is_empty()
            && !matches!(self.op, AUTH | SASL)
            && !self.is_last()
            && self.place() != Some(&Place::Null)
            && !self.ops().iter().any(|(_, fields)| fields.contains(&Field::Acls(Err(-1))))
    }

    /// The bytes behind the request header.
    pub(crate) fn body(&self, root: &str, base: i64) -> BytesMut {
        let mut out = BytesMut::new();
        for field in &self.fields {
            field.put(&mut out, root, base);
        }
        out.truncate(out.len().saturating_sub(self.cut));
        out
    }
}

impl Field {
    fn put(&self, out: &mut BytesMut, root: &str, base: i64) {
        match self {
            Self::Int(value) => out.put_i32(*value),
            Self::Long(value) => out.put_i64(*value),
            Self::Bool(value) => out.put_u8(*value),
            Self::Zxid(zxid) => out.put_i64(zxid.absolute(base)),
            Self::Path(place) => put_text(out, place.absolute(root).as_deref()),
            Self::Text(text) => put_text(out, text.as_deref()),
            Self::Data(data) => put_bytes(out, data.as_deref()),
            Self::Acls(Err(count)) | Self::Paths(Err(count)) => out.put_i32(*count),
            Self::Acls(Ok(acls)) => {
                put_length(out, acls.len());
                for ace in acls {
                    out.put_i32(ace.perms);
                    put_text(out, ace.scheme.as_deref());
                    put_text(out, ace.id.as_deref());
                }
            }
            Self::Paths(Ok(paths)) => {
                put_length(out, paths.len());
                for place in paths {
                    put_text(out, place.absolute(root).as_deref());
                }
            }
            Self::Ops(ops) => {
                for (op, fields) in ops {
                    put_multi_header(out, *op, false);
                    for field in fields {
                        field.put(out, root, base);
                    }
                }
                put_multi_header(out, -1, true);
            }
        }
    }
}

impl Place {
    pub(crate) fn absolute(&self, root: &str) -> Option<String> {
        match self {
            Self::Own(rest) => Some(format!("{root}{rest}")),
            Self::Quota(rest) => Some(format!("/zookeeper/quota{root}{rest}")),
            Self::Raw(path) => Some(path.clone()),
            Self::Null => None,
        }
    }
}

impl Zx {
    pub(crate) fn absolute(self, base: i64) -> i64 {
        match self {
            Self::Zero => 0,
            Self::After(distance) => base.saturating_add(distance),
            Self::Max => i64::MAX,
        }
    }
}

/// The first path among the fields.
pub(crate) fn first_place(fields: &[Field]) -> Option<&Place> {
    fields.iter().find_map(|field| match field {
        Field::Path(place) => Some(place),
        _ => None,
    })
}

pub(crate) const AUTH: i32 = 100;
pub(crate) const CHECK: i32 = 13;
pub(crate) const CLOSE_SESSION: i32 = -11;
pub(crate) const MULTI: i32 = 14;
pub(crate) const PING: i32 = 11;
pub(crate) const SASL: i32 = 102;

fn put_multi_header(out: &mut BytesMut, op: i32, done: bool) {
    out.put_i32(op);
    out.put_u8(u8::from(done));
    out.put_i32(-1);
}

fn put_text(out: &mut BytesMut, text: Option<&str>) {
    put_bytes(out, text.map(str::as_bytes));
}

fn put_bytes(out: &mut BytesMut, bytes: Option<&[u8]>) {
    let Some(bytes) = bytes else {
        out.put_i32(-1);
        return;
    };
    put_length(out, bytes.len());
    out.put_slice(bytes);
}

fn put_length(out: &mut BytesMut, length: usize) {
    out.put_i32(i32::try_from(length).unwrap());
}

/// ZooKeeper's name of an opcode.
pub(crate) fn op_name(op: i32) -> String {
    let name = match op {
        1 => "create",
        2 => "delete",
        3 => "exists",
        4 => "getData",
        5 => "setData",
        6 => "getACL",
        7 => "setACL",
        8 => "getChildren",
        9 => "sync",
        11 => "ping",
        12 => "getChildren2",
        13 => "check",
        14 => "multi",
        15 => "create2",
        16 => "reconfig",
        17 => "checkWatches",
        18 => "removeWatches",
        19 => "createContainer",
        21 => "createTTL",
        22 => "multiRead",
        100 => "auth",
        101 => "setWatches",
        102 => "sasl",
        103 => "getEphemerals",
        104 => "getAllChildrenNumber",
        105 => "setWatches2",
        106 => "addWatch",
        107 => "whoAmI",
        -11 => "closeSession",
        _ => return format!("opcode {op}"),
    };
    name.to_owned()
}

/// What the fields of a request are called, in their order.
fn field_names(op: i32) -> &'static [&'static str] {
    match op {
        1 | 15 | 19 => &["", "data", "acl", "flags"],
        21 => &["", "data", "acl", "flags", "ttl"],
        2 | 13 => &["", "version"],
        3 | 4 | 8 | 12 => &["", "watch"],
        5 => &["", "data", "version"],
        7 => &["", "acl", "aversion"],
        16 => &["joining", "leaving", "members", "config"],
        17 | 18 => &["", "type"],
        100 => &["type", "scheme", "auth"],
        101 | 105 => {
            &["relativeZxid", "data", "exist", "child", "persistent", "persistentRecursive"]
        }
        106 => &["", "mode"],
        _ => &[],
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { slot, handshake } => write!(f, "c{slot}: connect, {handshake}"),
            Self::Drop { slot } => write!(f, "c{slot}: cut the connection"),
            Self::Close { slot } => write!(f, "c{slot}: closeSession"),
            Self::Send { slot, calls } => {
                let calls: Vec<_> = calls.iter().map(Call::to_string).collect();
                write!(f, "c{slot}: {}", calls.join("\n      + "))
            }
        }
    }
}

impl fmt::Display for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.session {
            Session::New { number, passwd } => {
                write!(f, "new session S{number}")?;
                if *passwd != Some(vec![0; 16]) {
                    write!(f, ", password {}", shown(passwd.as_deref()))?;
                }
            }
            Session::Resumed { number } => write!(f, "session S{number} again")?,
            Session::Stolen { number, passwd } => {
                write!(f, "session S{number} with password {}", shown(passwd.as_deref()))?;
            }
            Session::Unknown { id } => write!(f, "a session that never was, {id:#x}")?,
        }
        write!(f, ", timeOut {}", self.timeout)?;
        match self.read_only {
            Some(value) => write!(f, ", readOnly {value}")?,
            None => write!(f, ", no readOnly byte")?,
        }
        match self.last_zxid {
            Zx::Zero => Ok(()),
            zxid => write!(f, ", lastZxidSeen {zxid}"),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&op_name(self.op))?;
        put_fields(f, self.op, &self.fields)?;
        if self.cut > 0 {
            write!(f, " without its last {} bytes", self.cut)?;
        }
        self.xid.map_or(Ok(()), |xid| write!(f, " as xid {xid}"))
    }
}

fn put_fields(f: &mut fmt::Formatter<'_>, op: i32, fields: &[Field]) -> fmt::Result {
    let names = field_names(op);
    for (position, field) in fields.iter().enumerate() {
        match names.get(position) {
            None | Some(&"") => write!(f, " {field}")?,
            Some(name) => write!(f, " {name}={field}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => write!(f, "{value}"),
            Self::Long(value) => write!(f, "{value}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Zxid(zxid) => write!(f, "{zxid}"),
            Self::Path(place) => write!(f, "{place}"),
            Self::Text(None) => f.write_str("null"),
            Self::Text(Some(text)) => write!(f, "{text:?}"),
            Self::Data(data) => f.write_str(&shown(data.as_deref())),
            Self::Acls(Err(count)) | Self::Paths(Err(count)) => write!(f, "[count {count}]"),
            Self::Acls(Ok(acls)) => list(f, acls),
            Self::Paths(Ok(paths)) => list(f, paths),
            Self::Ops(ops) => {
                for (op, fields) in ops {
                    write!(f, "\n          · {}", op_name(*op))?;
                    put_fields(f, *op, fields)?;
                }
                Ok(())
            }
        }
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    let items: Vec<_> = items.iter().map(T::to_string).collect();
    write!(f, "[{}]", items.join(", "))
}

impl fmt::Display for Ace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "null".to_owned());
        write!(f, "{}:{}:{}", text(&self.scheme), text(&self.id), self.perms)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(rest) => write!(f, "~{}", rest.escape_debug()),
            Self::Quota(rest) => write!(f, "/zookeeper/quota~{}", rest.escape_debug()),
            Self::Raw(path) => write!(f, "{path:?}"),
            Self::Null => f.write_str("null"),
        }
    }
}

impl fmt::Display for Zx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero => f.write_str("0"),
            Self::After(distance) => write!(f, "base{distance:+}"),
            Self::Max => f.write_str("max"),
        }
    }
}

/// Bytes as text, `null` when there are none.
pub(crate) fn shown(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(|| "null".to_owned(), |bytes| format!("\"{}\"", bytes.escape_ascii()))
}

//! What the node of a candidate says of it.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use zk_client::{SessionId, Stat};

use crate::contender::listing::Contender;
use crate::error::RecipeError;
use crate::held::FencingToken;

/// A candidate, or the leader, as the server knows it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaderInfo {
    /// Who it is: the first line of its node's data.
    pub id: String,
    /// What else it says of itself: the other lines.
    pub payload: Bytes,
    /// The term that it leads, or will lead when it is its turn.
    pub term: FencingToken,
    /// The path of its node.
    pub path: String,
    /// The session that owns the node.
    pub session: SessionId,
}

/// Does not show the payload.
impl fmt::Debug for LeaderInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaderInfo")
            .field("id", &self.id)
            .field("term", &self.term)
            .field("path", &self.path)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

impl LeaderInfo {
    pub(super) fn new(path: String, data: &Bytes, stat: &Stat) -> Self {
        let (id, payload) = read(data);
        let term = FencingToken::of(stat.czxid);
        Self { id, payload, term, path, session: stat.ephemeral_owner }
    }
}

impl From<Contender> for LeaderInfo {
    fn from(contender: Contender) -> Self {
        let (id, payload) = read(&contender.data);
        let (term, path) = (contender.token, contender.path);
        Self { id, payload, term, path, session: contender.session }
    }
}

/// The data of a node: the id alone, as Curator and kazoo write it, or the id, a line feed and the
/// payload.
pub(super) fn write(id: &str, payload: &Bytes) -> Result<Bytes, RecipeError> {
    if id.contains('\n') {
        return Err(RecipeError::BadArguments { reason: "the id of a candidate is one line" });
    }
    if payload.is_empty() {
        return Ok(Bytes::copy_from_slice(id.as_bytes()));
    }
    let mut data = BytesMut::with_capacity(id.len() + 1 + payload.len());
    data.put_slice(id.as_bytes());
    data.put_u8(b'\n');
    data.put_slice(payload);
    Ok(data.freeze())
}

/// The id and the payload of any data.
pub(super) fn read(data: &Bytes) -> (String, Bytes) {
    let end = data.iter().position(|byte| *byte == b'\n');
    let (id, payload) = match end {
        Some(end) => (data.slice(..end), data.slice(end + 1..)),
        None => (data.clone(), Bytes::new()),
    };
    (String::from_utf8_lossy(&id).into_owned(), payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for (id, payload) in [("", ""), ("a", ""), ("zoë", "host:1"), ("a", "1\n2\n"), ("", "x")] {
            let payload = Bytes::from_static(payload.as_bytes());
            let data = write(id, &payload).unwrap();
            assert_eq!(read(&data), (id.to_owned(), payload));
        }
        assert_eq!(write("latch", &Bytes::new()).unwrap(), "latch");
        assert!(write("a\nb", &Bytes::new()).is_err());
    }

    #[test]
    fn anybodys_data_has_an_id() {
        assert_eq!(read(&Bytes::from_static(b"\xff\n\xfe")).1, &b"\xfe"[..]);
        assert_eq!(read(&Bytes::from_static(b"127.0.0.1")).0, "127.0.0.1");
    }
}

//! A session that lives on without its client.

use std::fmt;

use thiserror::Error;
use zk_proto::{Password, SessionId, Zxid};

/// What it takes to go on with a session in another client, or another process: its id, its
/// password, and the last transaction that was seen in it. Comes from
/// [`Client::detach`](crate::Client::detach), goes into
/// [`ClientBuilder::resume`](crate::ClientBuilder::resume).
///
/// Whoever has it can take the session over, so keep it as you keep a password; `Debug` does not
/// show the password. The session lives for its timeout from its last connection on.
#[derive(Clone, PartialEq, Eq)]
pub struct SavedSession {
    session_id: SessionId,
    password: Password,
    last_zxid: Zxid,
}

/// Bytes that are not a [`SavedSession`]: cut short, changed, or made by a later version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("these bytes are not a saved session")]
pub struct NotASavedSession;

impl SavedSession {
    /// A session that another kind of client has left, such as the Java client with
    /// `getSessionId` and `getSessionPasswd`. With the last transaction that was seen, no server is
    /// taken that has seen less; [`Zxid::ZERO`] takes any.
    #[must_use]
    pub fn new(session_id: SessionId, password: [u8; 16], last_zxid: Zxid) -> Self {
        Self { session_id, password: Password::new(password), last_zxid }
    }

    pub(crate) const fn of(session_id: SessionId, password: Password, last_zxid: Zxid) -> Self {
        Self { session_id, password, last_zxid }
    }

    pub(crate) fn into_parts(self) -> (SessionId, Password, Zxid) {
        (self.session_id, self.password, self.last_zxid)
    }

    /// The id of the session.
    #[must_use]
    pub const fn session_id(&self) -> SessionId {
        self.session_id
    }

    /// The last transaction that was seen in the session.
    #[must_use]
    pub const fn last_zxid(&self) -> Zxid {
        self.last_zxid
    }

    /// As bytes, to be kept somewhere safe; `try_from` makes a session of them again.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.session_id.0.to_be_bytes());
        bytes.extend(self.last_zxid.0.to_be_bytes());
        bytes.extend(self.password.as_bytes());
        let check = checksum(&bytes);
        bytes.extend(check.to_be_bytes());
        bytes
    }
}

impl TryFrom<&[u8]> for SavedSession {
    type Error = NotASavedSession;

    /// Changed bytes are refused here: a server closes the connection of the session's rightful
    /// owner before it looks at the password (`ZooKeeperServer.processConnectRequest`).
    fn try_from(bytes: &[u8]) -> Result<Self, NotASavedSession> {
        let (rest, check) = bytes.split_last_chunk::<4>().ok_or(NotASavedSession)?;
        if checksum(rest) != u32::from_be_bytes(*check) {
            return Err(NotASavedSession);
        }
        let rest = rest.strip_prefix(MAGIC).ok_or(NotASavedSession)?;
        let (id, rest) = rest.split_first_chunk::<8>().ok_or(NotASavedSession)?;
        let (zxid, rest) = rest.split_first_chunk::<8>().ok_or(NotASavedSession)?;
        let password = rest.try_into().map_err(|_| NotASavedSession)?;
        let session_id = SessionId(i64::from_be_bytes(*id));
        if session_id == SessionId::NONE {
            return Err(NotASavedSession);
        }
        Ok(Self::new(session_id, password, Zxid(i64::from_be_bytes(*zxid))))
    }
}

impl fmt::Debug for SavedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedSession")
            .field("session_id", &self.session_id)
            .field("last_zxid", &self.last_zxid)
            .finish_non_exhaustive()
    }
}

/// FNV-1a: against bytes that were damaged, not against people.
fn checksum(bytes: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    bytes.iter().fold(0x811c_9dc5, step)
}

/// With the version of the layout.
const MAGIC: &[u8] = b"zkss1";

#[cfg(test)]
mod tests {
    use super::*;

    fn saved() -> SavedSession {
        SavedSession::new(SessionId(0x1234_5678), *b"0123456789abcdef", Zxid(0x5_0000_0007))
    }

    #[test]
    fn a_session_survives_as_bytes_and_no_changed_byte_passes() {
        let bytes = saved().to_bytes();
        assert_eq!(SavedSession::try_from(&*bytes), Ok(saved()));
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0x10;
            assert_eq!(SavedSession::try_from(&*changed), Err(NotASavedSession), "{place}");
            assert_eq!(SavedSession::try_from(&bytes[..place]), Err(NotASavedSession));
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(SavedSession::try_from(&*longer), Err(NotASavedSession));
    }

    #[test]
    fn no_session_is_not_one_that_was_saved() {
        let none = SavedSession::new(SessionId::NONE, [0; 16], Zxid::ZERO);
        assert_eq!(SavedSession::try_from(&*none.to_bytes()), Err(NotASavedSession));
    }

    #[test]
    fn the_password_is_not_shown() {
        let shown = format!("{:?}", saved());
        assert!(!shown.contains("48, 49") && !shown.contains("0123"), "{shown}");
    }
}

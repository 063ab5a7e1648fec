//! Who may do what: identities, access lists and the checks between them.
//!
//! A connection has [`AuthIds`]: its address from the start, the name in its certificate over TLS,
//! and what auth packets add. With each
//! request they become a [`Caller`], and whatever is asked of the replica is told the caller.
//! Schemes are `world`, `ip`, `digest`, `sasl` and `x509` where they are set up, in requests `auth`, and on
//! connections `super`.

mod auth_ids;
mod digest;
mod fix_up;
mod ip;
mod sasl;
mod x509;

use zk_proto::{Acl, ErrorCode, Permissions, SessionId};

pub(crate) use auth_ids::AuthIds;
pub(super) use fix_up::fix_up;

/// Who asks for something.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The session of the connection.
    pub(crate) session: SessionId,
    /// What the connection had shown of itself when the request came.
    pub(crate) ids: AuthIds,
}

impl Caller {
    /// The server itself, for what a session does without being asked: it begins and it ends.
    pub(crate) fn server(session: SessionId) -> Self {
        Self { session, ids: AuthIds::default() }
    }

    /// Refuses what a node's access list does not allow.
    ///
    /// # Errors
    /// `NoAuth`.
    pub(super) fn check_acl(&self, wanted: Permissions, list: &[Acl]) -> Result<(), ErrorCode> {
        if self.ids.may(wanted, list) { Ok(()) } else { Err(ErrorCode::NoAuth) }
    }
}

/// An entry as those see it who may not change the list (`FinalRequestProcessor`, getACL).
pub(super) fn redacted(entry: &Acl) -> Acl {
    let mut entry = entry.clone();
    if entry.id.scheme.as_deref() == Some(digest::SCHEME)
        && let Some(id) = &mut entry.id.id
    {
        *id = digest::redact(id).into();
    }
    entry
}

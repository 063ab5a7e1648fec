use crate::id::{Password, SessionId, Zxid};
use crate::record;

record! {
    /// Opens a connection: the first frame a client sends, without a header.
    pub struct ConnectRequest {
        /// 0; servers ignore it.
        protocol_version: i32,
        /// The last transaction this client has seen; a server that is behind it hangs up.
        last_zxid_seen: Zxid,
        /// The session timeout wanted, in milliseconds.
        timeout: i32,
        /// The session to take up again, or [`SessionId::NONE`] for a new one.
        session_id: SessionId,
        /// The password of that session.
        passwd: Password,
        /// Whether a server that is cut off from its ensemble will do; absent before 3.4.
        read_only: Option<bool>,
    }
}

record! {
    /// Answers a [`ConnectRequest`]: the first frame a server sends, without a header.
    pub struct ConnectResponse {
        /// 0.
        protocol_version: i32,
        /// The session timeout granted, in milliseconds; 0 when the session has expired.
        timeout: i32,
        /// The session; [`SessionId::NONE`] when it has expired.
        session_id: SessionId,
        /// What takes the session up again.
        passwd: Password,
        /// Whether the server is cut off from its ensemble; present when the request had it.
        read_only: Option<bool>,
    }
}

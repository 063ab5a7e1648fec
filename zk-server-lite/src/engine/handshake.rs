//! The first frame of a connection (`ZooKeeperServer.processConnectRequest`).

use bytes::Bytes;
use zk_proto::message::{ConnectRequest, ConnectResponse};
use zk_proto::{Decode, Encode, OpCode, Password, SessionId, Xid, jute::Reader};

use crate::core::{Caller, WriteRequest, next_session_id, session_password};

use super::connections::Phase;
use super::{ConnId, Engine, Now};

impl Engine {
    pub(super) fn handshake(&mut self, conn: ConnId, frame: Bytes, now: Now) {
        self.stats.connection_requests = self.stats.connection_requests.wrapping_add(1);
        let Ok(request) = ConnectRequest::decode(&mut Reader::new(frame)) else {
            return self.close(conn);
        };
        let read_only = self.is_read_only();
        // Reads that may be stale are for those who have said that they put up with it, and the
        // sessions of the ensemble for those who can keep them alive. Neither gets a word.
        if read_only && request.read_only != Some(true) {
            return self.close(conn);
        }
        // The client is ahead of this server and has to find another: it gets no word, and the
        // session is not touched.
        if request.last_zxid_seen > self.replica.last_zxid() {
            return self.close(conn);
        }
        let timeout_ms = request
            .timeout
            .min(self.options.max_session_timeout_ms)
            .max(self.options.min_session_timeout_ms);
        if self.follower.is_some() {
            self.join(conn, &request, timeout_ms);
        } else if request.session_id == SessionId::NONE {
            let session = self.create_session(timeout_ms, now);
            self.welcome(conn, session, (timeout_ms, request.read_only), now);
            // To take a session up again is no request, to have one made is.
            self.note(conn, OpCode::CreateSession, Xid(0), now);
        } else if read_only && self.replica.has_session(request.session_id) {
            self.close(conn);
        } else if self.may_take_over(conn, &request) {
            let session = request.session_id;
            self.welcome(conn, session, (timeout_ms, request.read_only), now);
        } else {
            self.refuse(conn, request.read_only);
        }
    }

    fn create_session(&mut self, timeout: i32, now: Now) -> SessionId {
        let session = self.next_session();
        if self.is_read_only() {
            self.read_only.add(session);
            return session;
        }
        let _ = self.commit(&Caller::server(session), WriteRequest::CreateSession { timeout }, now);
        session
    }

    pub(super) fn next_session(&mut self) -> SessionId {
        let session = self.last_session_id;
        self.last_session_id = next_session_id(session);
        session
    }

    /// The session's other connection goes first, and only then is the password looked at: who
    /// knows the id can interrupt a client, but not be it.
    fn may_take_over(&mut self, conn: ConnId, request: &ConnectRequest) -> bool {
        let session = request.session_id;
        let known = self.replica.has_session(session) || self.read_only.has(session);
        self.has_password(conn, request) && known
    }

    pub(super) fn has_password(&mut self, conn: ConnId, request: &ConnectRequest) -> bool {
        if let Some(other) = self.owners.get(&request.session_id).copied()
            && other != conn
        {
            self.close(other);
        }
        request.passwd.as_bytes() == session_password(request.session_id).as_bytes()
    }

    pub(super) fn welcome(
        &mut self,
        conn: ConnId,
        session: SessionId,
        (timeout_ms, read_only): (i32, Option<bool>),
        now: Now,
    ) {
        let expires = self.expiry.expires(now.elapsed_ms, timeout_ms);
        if self.follower.is_none() {
            self.expiry.set(session, expires);
            self.leader.forget(session);
        }
        self.owners.insert(session, conn);
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.phase = Phase::Serving { session, timeout_ms, expires };
        }
        self.respond(
            conn,
            &ConnectResponse {
                protocol_version: 0,
                timeout: timeout_ms,
                session_id: session,
                passwd: session_password(session),
                // Present when the client asked; it is no echo.
                read_only: read_only.map(|_| self.is_read_only()),
            },
        );
    }

    /// A timeout of 0 is how a client learns that its session is gone.
    pub(super) fn refuse(&mut self, conn: ConnId, read_only: Option<bool>) {
        self.respond(
            conn,
            &ConnectResponse {
                protocol_version: 0,
                timeout: 0,
                session_id: SessionId::NONE,
                passwd: Password::NONE,
                read_only: read_only.map(|_| self.is_read_only()),
            },
        );
        self.close(conn);
    }

    fn respond(&mut self, conn: ConnId, response: &ConnectResponse) {
        let _ = self.send(conn, |out| response.encode(out));
    }
}

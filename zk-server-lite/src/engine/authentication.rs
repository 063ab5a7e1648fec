//! Packets that say who a client is: auth and sasl.
//!
//! ZooKeeper's network threads answer these at once, so that their replies may overtake those of
//! requests sent before. Here every request is answered at once, and so nothing can be overtaken.

use zk_proto::jute::{DecodeProblem, Reader};
use zk_proto::message::{AuthPacket, GetSaslRequest, NoBody, Secret, SetSaslResponse};
use zk_proto::{Decode, ErrorCode, Xid, Zxid};

use super::reply::refused;
use super::{ConnId, Engine};

impl Engine {
    /// Adds an identity to a connection. A failure ends the connection and leaves the session
    /// (`ZooKeeperServer.processPacket`).
    pub(super) fn authenticate(&mut self, conn: ConnId, xid: Xid, body: &mut Reader) {
        let outcome = match AuthPacket::decode(body) {
            Ok(packet) => self.add_identity(conn, &packet),
            // Of no scheme is an unknown scheme.
            Err(error) if error.problem == DecodeProblem::Null => Err(ErrorCode::AuthFailed),
            Err(_) => return self.close(conn),
        };
        match outcome {
            Ok(()) => self.reply_at(conn, xid, NO_ZXID, Ok(NoBody {})),
            Err(code) => {
                self.reply_at(conn, xid, NO_ZXID, refused(code));
                self.close(conn);
            }
        }
    }

    fn add_identity(&mut self, conn: ConnId, packet: &AuthPacket) -> Result<(), ErrorCode> {
        let super_digest = self.options.super_digest.as_deref();
        let connection = self.connections.get_mut(&conn).ok_or(ErrorCode::AuthFailed)?;
        connection.ids.authenticate(&packet.scheme, packet.auth.0.as_deref(), super_digest)
    }

    /// Answers as a server does that SASL is not configured for: without a token, which clients
    /// take for a failure. A token that is null is one that cannot be read.
    pub(super) fn sasl(&mut self, conn: ConnId, xid: Xid, body: &mut Reader) {
        match GetSaslRequest::decode(body) {
            Ok(GetSaslRequest { token: Secret(Some(_)) }) => {
                self.reply_at(conn, xid, NO_ZXID, Ok(SetSaslResponse::default()));
            }
            Ok(GetSaslRequest { token: Secret(None) }) | Err(_) => self.close(conn),
        }
    }
}

/// These are no part of the order of transactions.
const NO_ZXID: Zxid = Zxid::ZERO;

//! Packets that say who a client is: auth and sasl.
//!
//! ZooKeeper's network threads answer these at once, so that their replies may overtake those of
//! requests sent before. Here every request is answered at once, and so nothing can be overtaken.

#[cfg(feature = "sasl")]
use zk_proto::Encode;
use zk_proto::jute::{DecodeProblem, Reader};
#[cfg(feature = "sasl")]
use zk_proto::message::ReplyHeader;
use zk_proto::message::{AuthPacket, GetSaslRequest, NoBody, Secret, SetSaslResponse};
use zk_proto::{Decode, ErrorCode, Xid, Zxid};

use crate::core::Caller;

use super::reply::refused;
#[cfg(feature = "sasl")]
use super::sasl::SaslStep;
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

    /// Whether who asks has shown as much of itself as everybody has to
    /// (`AuthenticationHelper.enforceAuthentication`).
    pub(super) fn is_let_in(&self, caller: &Caller) -> bool {
        let schemes = &self.options.enforced_schemes;
        schemes.is_empty() || caller.ids.has_any_of(schemes)
    }

    /// Refuses whatever was asked, and ends the connection; the session stays.
    pub(super) fn demand_authentication(&mut self, conn: ConnId, xid: Xid) {
        self.reply_at(conn, xid, NO_ZXID, refused(ErrorCode::SessionClosedRequireSaslAuth));
        self.close(conn);
    }

    /// Where SASL is not configured, answers without a token, which clients take for a failure. A
    /// token that is null is one that cannot be read.
    pub(super) fn sasl(&mut self, conn: ConnId, xid: Xid, body: &mut Reader) {
        match GetSaslRequest::decode(body) {
            #[cfg(feature = "sasl")]
            Ok(GetSaslRequest { token: Secret(Some(token)) })
                if self.options.sasl.is_configured() =>
            {
                self.sasl_step(conn, xid, &token);
            }
            Ok(GetSaslRequest { token: Secret(Some(_)) }) => {
                self.reply_at(conn, xid, NO_ZXID, Ok(SetSaslResponse::default()));
            }
            Ok(GetSaslRequest { token: Secret(None) }) | Err(_) => self.close(conn),
        }
    }

    #[cfg(feature = "sasl")]
    fn sasl_step(&mut self, conn: ConnId, xid: Xid, token: &[u8]) {
        let Some(connection) = self.connections.get_mut(&conn) else {
            return;
        };
        let sasl = &self.options.sasl;
        let token = match sasl.step(&mut connection.sasl, conn, token) {
            Ok(SaslStep::Challenge(challenge)) => challenge,
            Ok(SaslStep::Done { user, rspauth }) => {
                let added = connection.ids.add_sasl_user(&user, sasl.is_super_user(&user));
                if added.is_err() {
                    return self.sasl_failed(conn, xid);
                }
                rspauth
            }
            Err(_) => return self.sasl_failed(conn, xid),
        };
        let token = Secret(Some(token));
        self.reply_at(conn, xid, NO_ZXID, Ok(SetSaslResponse { token }));
    }

    /// Unlike other refusals this one has a body (`ZooKeeperServer.processSasl`).
    #[cfg(feature = "sasl")]
    fn sasl_failed(&mut self, conn: ConnId, xid: Xid) {
        let required = self.options.enforced_schemes.iter().any(|scheme| scheme == "sasl");
        if self.options.sasl.allow_failed && !required {
            self.reply_at(conn, xid, NO_ZXID, Ok(SetSaslResponse::default()));
            return;
        }
        let err =
            if required { ErrorCode::SessionClosedRequireSaslAuth } else { ErrorCode::AuthFailed };
        let length = self.send(conn, |out| {
            ReplyHeader { xid, zxid: NO_ZXID, err }.encode(out);
            SetSaslResponse::default().encode(out);
        });
        self.stats.count_response(length);
        self.close(conn);
    }
}

/// These are no part of the order of transactions.
const NO_ZXID: Zxid = Zxid::ZERO;

//! SASL on each connection: after the session is granted, before anything else is sent.
//!
//! Two questions with numbers of their own, as `ZooKeeperSaslClient` asks them: an empty token that
//! begins, and the answer to the server's challenge. Until the server has proven itself in return,
//! the connection counts as one that shakes hands, so that everything else waits.

use std::time::Instant;

use bytes::Bytes;
use zk_proto::jute::Reader;
use zk_proto::message::{GetSaslRequest, ReplyHeader, Secret, SetSaslResponse};
use zk_proto::op::Request;
use zk_proto::sasl::{Proof, keyed_nonce};
use zk_proto::{Decode, ErrorCode, Xid};

use super::digest_md5::{answer, is_proven};
use super::output::Ticket;
use super::{End, Phase, Session, Trouble};
use crate::auth_failure::AuthFailure;
use crate::error::Violation;
use crate::sasl::DigestMd5;

/// Who this client is, and how far the present connection knows it.
#[derive(Debug)]
pub(super) struct Sasl {
    who: DigestMd5,
    nonce_key: NonceKey,
    /// Nonces that were made so far.
    nonces: u64,
    exchange: Option<Exchange>,
}

/// Who knows it can tell the nonces that are to come.
struct NonceKey([u8; 16]);

#[derive(Debug)]
struct Exchange {
    /// When the session was granted.
    since: Instant,
    /// Of the reply that is to come.
    xid: Xid,
    /// What the server has to show; `None` as long as it has not asked.
    proof: Option<Proof>,
}

/// How an exchange goes on.
enum Next {
    Send(Bytes),
    Done,
}

impl std::fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NonceKey(..)")
    }
}

impl Sasl {
    pub(super) fn connection_lost(&mut self) {
        self.exchange = None;
    }

    fn next_nonce(&mut self) -> String {
        self.nonces = self.nonces.wrapping_add(1);
        keyed_nonce(&self.nonce_key.0, self.nonces)
    }

    /// Looks at a reply: what follows from it, or why nothing does.
    fn step(&mut self, err: ErrorCode, token: Option<&[u8]>) -> Result<Next, AuthFailure> {
        let proof = self.exchange.as_ref().and_then(|exchange| exchange.proof.as_ref());
        let Some(proof) = proof else {
            if err != ErrorCode::Ok {
                return Err(AuthFailure::SaslNotBegun);
            }
            // A server without a mechanism swallows the question (ZooKeeperServer.processSasl).
            let challenge = token.ok_or(AuthFailure::SaslNotConfigured)?;
            let nonce = self.next_nonce();
            let answer = answer(&self.who, challenge, &nonce).ok_or(AuthFailure::SaslChallenge)?;
            if let Some(exchange) = &mut self.exchange {
                exchange.proof = Some(answer.proof);
            }
            return Ok(Next::Send(answer.token));
        };
        match token {
            // A refusal that leaves the connection has no token (`allowSaslFailedClients`).
            Some(token) if err == ErrorCode::Ok => {
                is_proven(proof, token).then_some(Next::Done).ok_or(AuthFailure::SaslServer)
            }
            Some(_) | None => Err(AuthFailure::SaslRefused),
        }
    }
}

impl<T: Ticket, W: Ticket> Session<T, W> {
    /// Has every connection begin with SASL. The key is what nonces are made with: chance that
    /// nobody else knows.
    pub(crate) fn use_sasl(&mut self, who: DigestMd5, nonce_key: [u8; 16]) {
        let nonce_key = NonceKey(nonce_key);
        self.sasl = Some(Sasl { who, nonce_key, nonces: 0, exchange: None });
    }

    /// The session was granted: tells whether SASL comes first.
    pub(super) fn begin_sasl(&mut self, now: Instant) -> bool {
        let Some(sasl) = &mut self.sasl else {
            return false;
        };
        let xid = self.pending.put_apart(&question(Bytes::new()));
        sasl.exchange = Some(Exchange { since: now, xid, proof: None });
        // As long as a silent connection has, the whole of it: what is left saves the session.
        if let Phase::Handshaking { until, .. } = &mut self.phase {
            *until = now + self.timeout * 2 / 3;
        }
        true
    }

    /// Takes a frame, if SASL is under way.
    pub(super) fn handle_sasl_frame(&mut self, now: Instant, frame: &Bytes) -> bool {
        if self.sasl.as_ref().is_none_or(|sasl| sasl.exchange.is_none()) {
            return false;
        }
        if let Err(trouble) = self.handle_sasl_reply(now, frame.clone()) {
            self.hang_up(now, trouble);
        }
        true
    }

    fn handle_sasl_reply(&mut self, now: Instant, frame: Bytes) -> Result<(), Trouble> {
        let mut reader = Reader::new(frame);
        let header = ReplyHeader::decode(&mut reader).map_err(Violation::Undecodable)?;
        let Some(sasl) = &mut self.sasl else {
            return Ok(());
        };
        let expected = sasl.exchange.as_ref().map(|exchange| exchange.xid);
        if expected != Some(header.xid) {
            return Err(Violation::UnexpectedXid { got: header.xid, expected }.into());
        }
        let token = if header.err == ErrorCode::Ok {
            SetSaslResponse::decode(&mut reader).map_err(Violation::Undecodable)?.token.0
        } else {
            None
        };
        match sasl.step(header.err, token.as_deref()) {
            Ok(Next::Send(token)) => {
                let xid = self.pending.put_apart(&question(token));
                if let Some(exchange) = &mut sasl.exchange {
                    exchange.xid = xid;
                }
            }
            Ok(Next::Done) => {
                let since = sasl.exchange.take().map_or(now, |exchange| exchange.since);
                self.serve(now, since);
            }
            Err(reason) => self.end(End::AuthFailed(reason)),
        }
        Ok(())
    }
}

fn question(token: Bytes) -> Request {
    Request::Sasl(GetSaslRequest { token: Secret(Some(token)) })
}

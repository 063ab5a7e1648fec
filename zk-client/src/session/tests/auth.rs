use std::time::Duration;

use bytes::Bytes;
use zk_proto::message::{AuthPacket, GetDataResponse, NoBody, Secret};
use zk_proto::{ErrorCode, OpCode, Xid};

use super::fixture::{DEADLINE, Desk, ID, T, create, get, watched_get};
use crate::auth_failure::AuthFailure;
use crate::session::output::Timer;
use crate::session::{End, SubmitError};

const AUTH: i32 = Xid::AUTH.0;
const PING: i32 = Xid::PING.0;

fn packet(user: &'static str) -> AuthPacket {
    let auth = Secret(Some(Bytes::from_static(user.as_bytes())));
    AuthPacket { auth_type: 0, scheme: "digest".into(), auth }
}

impl Desk {
    fn add_auth(&mut self, ticket: &'static str, user: &'static str) {
        assert_eq!(self.session.add_auth(self.now, packet(user), Some(ticket)), Ok(()));
    }
}

#[test]
fn credentials_go_first_on_every_connection_and_nobody_hears_of_it_before_they_are_accepted() {
    let mut desk = Desk::new();
    desk.add_auth("bob", "bob:pw");
    desk.add_auth("eve", "eve:pw");
    desk.submit("read", watched_get("/a"));
    desk.connect();
    assert_eq!(desk.sent_ops(), [OpCode::Auth, OpCode::Auth, OpCode::GetData]);
    assert_eq!(desk.outputs(), [] as [&str; 0]);
    desk.reply(AUTH, &NoBody {});
    assert_eq!(desk.outputs(), ["bob: ok"]);
    desk.reply(AUTH, &NoBody {});
    assert_eq!(desk.outputs(), ["eve: ok", "connected"]);
    desk.watch("w", watched_get("/b"));
    desk.taken();
    desk.reply(1, &GetDataResponse::default());
    desk.reply(2, &GetDataResponse::default());
    desk.outputs();

    desk.disconnect();
    desk.submit("later", create("/c"));
    assert_eq!(desk.outputs(), ["disconnected"]);
    desk.connect();
    let sent = [OpCode::Auth, OpCode::Auth, OpCode::SetWatches, OpCode::Create2];
    let requests = desk.sent();
    assert_eq!(requests.iter().map(|(_, request)| request.op_code()).collect::<Vec<_>>(), sent);
    assert_eq!(requests[0].0, Xid::AUTH);
    desk.reply(AUTH, &NoBody {});
    desk.reply(AUTH, &NoBody {});
    assert_eq!(desk.outputs(), ["reconnected"]);
}

#[test]
fn a_connection_that_breaks_before_the_credentials_are_accepted_was_none() {
    let mut desk = Desk::new();
    desk.add_auth("bob", "bob:pw");
    desk.connect();
    desk.disconnect();
    assert_eq!(desk.outputs(), [] as [&str; 0]);
    desk.connect();
    desk.sent();
    desk.reply(AUTH, &NoBody {});
    assert_eq!(desk.outputs(), ["bob: ok", "connected"]);
    desk.disconnect();
    assert_eq!(desk.outputs(), ["disconnected"]);
    desk.connect();
    desk.disconnect();
    assert_eq!(desk.outputs(), [] as [&str; 0]);
}

#[test]
fn a_refused_credential_is_the_end() {
    let mut desk = Desk::serving();
    desk.submit("write", create("/a"));
    desk.submit("read", get("/a"));
    desk.taken();
    desk.add_auth("eve", "eve:pw");
    desk.submit("unsent", create("/b"));
    desk.taken();
    desk.submit("later", create("/c"));
    desk.refuse(AUTH, ErrorCode::AuthFailed);
    assert_eq!(
        desk.outputs(),
        [
            "hang up",
            "write: ConnectionLoss(Unknown)",
            "read: AuthFailed(CredentialRefused)",
            "unsent: ConnectionLoss(Unknown)",
            "later: AuthFailed(CredentialRefused)",
            "eve: AuthFailed(CredentialRefused)",
            "auth failed"
        ]
    );
    assert!(desk.is_finished());
    let reason = AuthFailure::CredentialRefused;
    assert_eq!(desk.session.ended(), Some(End::AuthFailed(reason)));
    assert_eq!(desk.try_submit("more", get("/")), Err(SubmitError::AuthFailed(reason)));
}

#[test]
fn a_server_that_demands_another_authentication_is_the_end() {
    for xid in [1, PING] {
        let mut desk = Desk::serving();
        desk.submit("write", create("/a"));
        desk.submit("read", get("/a"));
        if xid == PING {
            desk.after(T / 3);
        }
        desk.taken();
        desk.reply_at(0, xid, ErrorCode::SessionClosedRequireSaslAuth, &NoBody {});
        let outputs = desk.outputs();
        assert_eq!(outputs.last().map(String::as_str), Some("auth failed"), "{outputs:?}");
        let reason = AuthFailure::Required;
        assert_eq!(desk.session.ended(), Some(End::AuthFailed(reason)));
    }
}

#[test]
fn a_credential_that_is_refused_on_another_server_is_the_end_too() {
    let mut desk = Desk::new();
    desk.add_auth("bob", "bob:pw");
    desk.connect();
    desk.reply(AUTH, &NoBody {});
    desk.disconnect();
    desk.outputs();
    desk.connect();
    desk.refuse(AUTH, ErrorCode::AuthFailed);
    assert_eq!(desk.outputs(), ["hang up", "auth failed"]);
}

#[test]
fn a_credential_that_is_added_twice_is_told_once_on_a_new_connection() {
    let mut desk = Desk::serving();
    for ticket in ["one", "two"] {
        desk.add_auth(ticket, "bob:pw");
    }
    assert_eq!(desk.sent_ops(), [OpCode::Auth], "the first one is still to be answered");
    desk.reply(AUTH, &NoBody {});
    assert_eq!(desk.outputs(), ["one: ok", "two: ok"]);
    desk.add_auth("three", "bob:pw");
    assert_eq!(desk.sent_ops(), [OpCode::Auth]);
    desk.reply(AUTH, &NoBody {});
    assert_eq!(desk.outputs(), ["three: ok"]);
    desk.disconnect();
    desk.connect();
    assert_eq!(desk.sent_ops(), [OpCode::Auth]);
}

#[test]
fn whoever_waits_for_a_credential_waits_no_longer_than_the_deadline_and_it_stays() {
    let mut desk = Desk::serving();
    desk.disconnect();
    desk.outputs();
    desk.add_auth("bob", "bob:pw");
    assert_eq!(desk.after(DEADLINE), ["bob: Timeout(Unknown)", "dial"]);
    desk.session.handle_connected(desk.now);
    desk.connect_request();
    desk.grant(ID, T);
    assert_eq!(desk.sent_ops(), [OpCode::Auth]);
}

#[test]
fn a_server_that_does_not_answer_for_the_credentials_is_given_up() {
    let mut desk = Desk::new();
    assert_eq!(desk.session.add_auth(desk.now, packet("bob:pw"), None), Ok(()));
    desk.connect();
    desk.taken();
    desk.submit("read", get("/a"));
    desk.taken();
    desk.after(Duration::from_secs(4));
    desk.reply(1, &GetDataResponse::default());
    assert_eq!(desk.outputs(), ["read: ok"]);
    assert_eq!(desk.after(Duration::from_secs(6)), [] as [&str; 0], "a ping goes out");
    assert_eq!(desk.due(), Some((Duration::from_secs(10), Timer::Silence)));
    assert_eq!(desk.after(Duration::from_secs(10)), ["hang up"]);
}

#[test]
fn an_answer_for_a_credential_that_was_not_told_breaks_the_connection() {
    let mut desk = Desk::serving();
    desk.reply(AUTH, &NoBody {});
    assert_eq!(desk.outputs(), ["hang up", "disconnected"]);
}

#[test]
fn credentials_are_bounded_and_never_shown() {
    let mut desk = Desk::serving();
    let long = AuthPacket { auth: Secret(Some(Bytes::from(vec![0; 2000]))), ..packet("") };
    let refused = desk.session.add_auth(desk.now, long, None);
    assert!(matches!(refused, Err(SubmitError::RequestTooLarge { .. })));
    for number in 0..128_u8 {
        let auth = Secret(Some(Bytes::from(vec![number])));
        let added = desk.session.add_auth(desk.now, AuthPacket { auth, ..packet("") }, None);
        assert_eq!(added, Ok(()));
    }
    let one_more = desk.session.add_auth(desk.now, packet("bob:secret"), None);
    assert_eq!(one_more, Err(SubmitError::TooManyRequests));
    let mut desk = Desk::serving();
    desk.add_auth("bob", "bob:secret");
    assert!(!format!("{:?}", desk.session).contains("secret"));
}

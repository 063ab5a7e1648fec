//! Who a client is, and what that lets it do.

mod auth;
mod enforcement;
mod events;
mod fix_up;
mod ip;
mod order;
mod redaction;
mod super_user;
mod who_am_i;

use bytes::Bytes;
use zk_client::{CreateMode, ErrorCode};
use zk_proto::data::{ClientInfo, Id};
use zk_proto::message::{
    AuthPacket, CreateRequest, GetAclRequest, GetAclResponse, NoBody, Secret, SetAclRequest,
    WhoAmIResponse,
};
use zk_proto::op::Request;
use zk_proto::{Acl, Permissions, Version};
use zk_test_kit::request::node;
use zk_test_kit::{Case, RawConnection, TestServer};

pub(crate) fn cases() -> Vec<Case> {
    [
        auth::cases(),
        enforcement::cases(),
        events::cases(),
        fix_up::cases(),
        ip::cases(),
        order::cases(),
        redaction::cases(),
        super_user::cases(),
        who_am_i::cases(),
    ]
    .concat()
}

/// An entry of an access list, with any bits as its permissions.
fn entry(perms: i32, scheme: &str, id: &str) -> Acl {
    let id = Id { scheme: Some(scheme.into()), id: Some(id.into()) };
    Acl { perms: Permissions::from_bits_retain(perms), id }
}

/// An entry for everybody.
fn everybody(perms: i32) -> Acl {
    entry(perms, "world", "anyone")
}

/// An entry for who can say this `user:password`.
fn knows(perms: i32, word: &str) -> Acl {
    entry(perms, "digest", &zk_proto::data::digest(word))
}

fn create_with(path: &str, acl: Vec<Acl>) -> Request {
    Request::Create(CreateRequest { acl: Some(acl), ..node(path, CreateMode::Persistent) })
}

fn set_acl_to(path: &str, acl: Vec<Acl>) -> Request {
    set_acl_at(path, acl, -1)
}

fn set_acl_at(path: &str, acl: Vec<Acl>, version: i32) -> Request {
    let version = Version(version);
    Request::SetAcl(SetAclRequest { path: path.into(), acl: Some(acl), version })
}

fn get_acl(path: &str) -> Request {
    Request::GetAcl(GetAclRequest { path: path.into() })
}

fn auth(scheme: &str, word: &str) -> Request {
    let auth = Secret(Some(Bytes::copy_from_slice(word.as_bytes())));
    Request::Auth(AuthPacket { auth_type: 0, scheme: scheme.into(), auth })
}

/// A connection that has said these `user:password`.
async fn known_as(server: &TestServer, words: &[&str]) -> RawConnection {
    let mut raw = server.raw_session().await;
    for word in words {
        raw.succeed(&auth("digest", word)).await;
    }
    raw
}

async fn code(raw: &mut RawConnection, request: &Request) -> ErrorCode {
    raw.ask(1, request).await.header.err
}

async fn acl_of(raw: &mut RawConnection, path: &str) -> Vec<Acl> {
    raw.succeed(&get_acl(path)).await.decode::<GetAclResponse>().acl
}

/// What whoAmI tells, in order.
async fn who_am_i(raw: &mut RawConnection) -> Vec<(String, String)> {
    let reply = raw.succeed(&Request::WhoAmI(NoBody {})).await;
    let infos = reply.decode::<WhoAmIResponse>().client_info.into_iter();
    let mut infos: Vec<_> = infos
        .map(|ClientInfo { auth_scheme, user }| (auth_scheme.to_string(), user.to_string()))
        .collect();
    infos.sort();
    infos
}

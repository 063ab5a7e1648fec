//! The identities of a connection.

use ::core::net::IpAddr;
use std::sync::Arc;

use zk_proto::data::{ClientInfo, Id};
use zk_proto::{Acl, ByteString, ErrorCode, Permissions};

use super::{digest, ip, sasl, x509};

/// What a connection has shown of itself (`ServerCnxn.authInfo`): grows, and goes with the
/// connection. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct AuthIds {
    ids: Arc<[Id]>,
    /// Nothing is refused, whatever access lists say.
    unchecked: bool,
}

impl Default for AuthIds {
    /// Nobody in particular.
    fn default() -> Self {
        Self { ids: Arc::new([]), unchecked: false }
    }
}

impl AuthIds {
    /// What every connection has: the address of its other end.
    pub(crate) fn of_peer(peer: IpAddr) -> Self {
        let id = Id { scheme: Some(IP), id: Some(ip::address_text(peer).into()) };
        Self { ids: Arc::new([id]), unchecked: false }
    }

    /// The same, and nothing is refused (`zookeeper.skipACL`).
    pub(crate) fn unchecked(self) -> Self {
        Self { unchecked: true, ..self }
    }

    /// Adds the name in a certificate that was shown; whether it is the super user's
    /// (`X509AuthenticationProvider`).
    pub(crate) fn add_certificate(&mut self, subject: String, super_user: Option<&str>) {
        let mut ids = self.ids.to_vec();
        if super_user == Some(&*subject) {
            ids.push(Id { scheme: Some(SUPER), id: Some(subject.as_str().into()) });
            self.unchecked = true;
        }
        ids.push(Id { scheme: Some(X509), id: Some(subject.into()) });
        self.ids = ids.into();
    }

    /// Adds what an auth packet proves (`ProviderRegistry`).
    ///
    /// # Errors
    /// `AuthFailed` for a scheme that nobody can authenticate with, for `digest` without a word,
    /// and when there are [`MAX_IDS`] already.
    pub(crate) fn authenticate(
        &mut self,
        scheme: &str,
        auth: Option<&[u8]>,
        super_digest: Option<&str>,
    ) -> Result<(), ErrorCode> {
        match scheme {
            // The address is known already.
            ip::SCHEME => Ok(()),
            // So is the certificate, if there is one.
            x509::SCHEME if self.of_scheme(x509::SCHEME).next().is_some() => Ok(()),
            digest::SCHEME => {
                let word = String::from_utf8_lossy(auth.ok_or(ErrorCode::AuthFailed)?);
                let id = zk_proto::data::digest(&word);
                if super_digest == Some(&*id) {
                    self.add(Id { scheme: Some(SUPER), id: Some(ByteString::new()) })?;
                    self.unchecked = true;
                }
                self.add(Id { scheme: Some(DIGEST), id: Some(id.into()) })
            }
            _ => Err(ErrorCode::AuthFailed),
        }
    }

    /// Adds the user that SASL has proven, and what a super user is besides
    /// (`ZooKeeperServer.processSasl`).
    ///
    /// # Errors
    /// `AuthFailed` when there are [`MAX_IDS`] already.
    #[cfg(feature = "sasl")]
    pub(crate) fn add_sasl_user(&mut self, user: &str, is_super: bool) -> Result<(), ErrorCode> {
        self.add(Id { scheme: Some(SASL), id: Some(user.into()) })?;
        if is_super {
            self.add(Id { scheme: Some(SUPER), id: Some(ByteString::new()) })?;
            self.unchecked = true;
        }
        Ok(())
    }

    /// Whether any identity is of one of these schemes.
    pub(crate) fn has_any_of(&self, schemes: &[String]) -> bool {
        let mut own = self.ids.iter().filter_map(|id| id.scheme.as_deref());
        own.any(|own| schemes.iter().any(|scheme| scheme == own))
    }

    fn add(&mut self, id: Id) -> Result<(), ErrorCode> {
        if self.ids.contains(&id) {
            return Ok(());
        }
        if self.ids.len() >= MAX_IDS {
            return Err(ErrorCode::AuthFailed);
        }
        self.ids = self.ids.iter().cloned().chain([id]).collect();
        Ok(())
    }

    /// What whoAmI tells: who somebody is, without what proves it (`AuthUtil.getClientInfos`).
    pub(crate) fn client_infos(&self) -> Vec<ClientInfo> {
        let own = self.ids.iter().filter_map(|id| Some((id.scheme.clone()?, id.id.as_deref()?)));
        own.map(|(auth_scheme, id)| {
            let user = match &*auth_scheme {
                digest::SCHEME => digest::user(id).into(),
                _ => id.into(),
            };
            ClientInfo { auth_scheme, user }
        })
        .collect()
    }

    /// Whether an access list allows any of the wanted permissions (`ZooKeeperServer.checkACL`).
    /// An empty list allows everything; no client can make one.
    pub(crate) fn may(&self, wanted: Permissions, list: &[Acl]) -> bool {
        self.unchecked
            || list.is_empty()
            || list.iter().any(|entry| entry.perms.intersects(wanted) && self.match_one(&entry.id))
    }

    /// Those that `auth` stands for: who somebody is, not where they connect from
    /// (`AuthenticationProvider.isAuthenticated`).
    pub(super) fn authenticated(&self) -> impl Iterator<Item = &Id> {
        let proven = |id: &&Id| {
            matches!(id.scheme.as_deref(), Some(digest::SCHEME | sasl::SCHEME | x509::SCHEME))
        };
        self.ids.iter().filter(proven)
    }

    fn match_one(&self, wanted: &Id) -> bool {
        let (Some(scheme), Some(expression)) = (wanted.scheme.as_deref(), wanted.id.as_deref())
        else {
            return false;
        };
        match scheme {
            "world" => expression == "anyone",
            ip::SCHEME => self.of_scheme(scheme).any(|id| ip::matches(id, expression)),
            sasl::SCHEME => self.of_scheme(scheme).any(|id| sasl::matches(id, expression)),
            _ => self.of_scheme(scheme).any(|id| id == expression),
        }
    }

    fn of_scheme<'a>(&'a self, scheme: &'a str) -> impl Iterator<Item = &'a str> {
        let own = self.ids.iter().filter(move |id| id.scheme.as_deref() == Some(scheme));
        own.filter_map(|id| id.id.as_deref())
    }
}

/// How many identities a connection can have. ZooKeeper has no limit, and every check looks at all
/// of them.
const MAX_IDS: usize = 256;

const IP: ByteString = ByteString::from_static(ip::SCHEME);
#[cfg(feature = "sasl")]
const SASL: ByteString = ByteString::from_static(sasl::SCHEME);
const X509: ByteString = ByteString::from_static(x509::SCHEME);
const DIGEST: ByteString = ByteString::from_static(digest::SCHEME);
/// Who has it may do everything; in access lists it is unknown.
const SUPER: ByteString = ByteString::from_static("super");

#[cfg(test)]
mod tests {
    use super::*;

    const SUPER_DIGEST: &str = "super:xQJmxLMiHGwaqBvst5y6rkB6HQs=";

    fn local() -> AuthIds {
        AuthIds::of_peer("127.0.0.1".parse().unwrap())
    }

    fn with_digests(words: &[&str]) -> AuthIds {
        let mut ids = local();
        for word in words {
            ids.authenticate("digest", Some(word.as_bytes()), Some(SUPER_DIGEST)).unwrap();
        }
        ids
    }

    fn infos(ids: &AuthIds) -> Vec<(String, String)> {
        let infos = ids.client_infos().into_iter();
        infos.map(|info| (info.auth_scheme.to_string(), info.user.to_string())).collect()
    }

    fn entry(perms: i32, scheme: &str, id: &str) -> Acl {
        let id = Id { scheme: Some(scheme.into()), id: Some(id.into()) };
        Acl { perms: Permissions::from_bits_retain(perms), id }
    }

    #[test]
    fn what_cannot_be_proved_is_refused_and_adds_nothing() {
        let mut ids = local();
        for scheme in ["world", "auth", "super", "sasl", "x509", "", "DIGEST"] {
            let outcome = ids.authenticate(scheme, Some(b"bob:secret"), None);
            assert_eq!(outcome, Err(ErrorCode::AuthFailed), "{scheme}");
        }
        assert_eq!(ids.authenticate("digest", None, None), Err(ErrorCode::AuthFailed));
        assert_eq!(ids.authenticate("ip", Some(b"10.0.0.1"), None), Ok(()));
        assert_eq!(infos(&ids), [("ip".into(), "127.0.0.1".into())]);
    }

    #[test]
    fn a_certificate_is_an_identity_that_auth_stands_for() {
        let mut ids = local();
        ids.add_certificate("CN=bob".to_owned(), Some("CN=root"));
        assert_eq!(infos(&ids)[1], ("x509".into(), "CN=bob".into()));
        assert_eq!(ids.authenticated().count(), 1);
        assert!(ids.may(Permissions::WRITE, &[entry(2, "x509", "CN=bob")]));
        assert!(!ids.may(Permissions::WRITE, &[entry(2, "x509", "CN=eve")]));
        // It can be named again, and that changes nothing.
        assert_eq!(ids.authenticate("x509", None, None), Ok(()));
        assert_eq!(infos(&ids).len(), 2);
        let mut root = local();
        root.add_certificate("CN=root".to_owned(), Some("CN=root"));
        assert!(root.may(Permissions::WRITE, &[entry(2, "x509", "CN=bob")]));
        assert_eq!(infos(&root)[1], ("super".into(), "CN=root".into()));
    }

    #[test]
    fn identities_are_not_gathered_without_end() {
        let mut ids = local();
        let outcomes = (0..300).map(|number| {
            let word = format!("user{number}:secret");
            ids.authenticate("digest", Some(word.as_bytes()), None).is_ok()
        });
        assert_eq!(outcomes.filter(|added| *added).count(), MAX_IDS - 1);
    }

    #[test]
    fn each_identity_is_there_once_and_told_without_its_hash() {
        let ids = with_digests(&["bob:secret", "bob:secret", "bob:other", "nobody", ":x"]);
        let users = infos(&ids).into_iter().skip(1).map(|(_, user)| user);
        assert_eq!(users.collect::<Vec<_>>(), ["bob", "bob", "nobody", ""]);
    }

    #[test]
    fn the_super_user_is_one_by_its_whole_digest_and_may_do_everything() {
        let nobody = [entry(31, "digest", "bob:hash")];
        for (words, may) in [
            (&["super:admin"][..], true),
            (&["super:other"], false),
            (&["super"], false),
            (&["bob:secret", "super:admin"], true),
        ] {
            let ids = with_digests(words);
            assert_eq!(ids.may(Permissions::WRITE, &nobody), may, "{words:?}");
            assert_eq!(infos(&ids).contains(&("super".into(), String::new())), may);
        }
        let mut ids = local();
        ids.authenticate("digest", Some(b"super:admin"), None).unwrap();
        assert!(!ids.may(Permissions::WRITE, &nobody), "there is no super user by default");
    }

    #[test]
    fn a_permission_is_had_when_an_entry_has_it_and_names_who_asks() {
        let bob = with_digests(&["bob:secret"]);
        let hash = zk_proto::data::digest("bob:secret");
        for (list, wanted, expected) in [
            (vec![], Permissions::ADMIN, true),
            (vec![entry(1, "world", "anyone")], Permissions::READ, true),
            (vec![entry(1, "world", "anyone")], Permissions::WRITE, false),
            (vec![entry(-1, "world", "anyone")], Permissions::ADMIN, true),
            (vec![entry(0, "world", "anyone")], Permissions::READ, false),
            (vec![entry(1, "world", "other")], Permissions::READ, false),
            (vec![entry(16, "digest", &hash)], Permissions::READ | Permissions::ADMIN, true),
            (vec![entry(2, "digest", &hash)], Permissions::READ | Permissions::ADMIN, false),
            (vec![entry(31, "digest", "bob:secret")], Permissions::READ, false),
            (vec![entry(31, "digest", "bob")], Permissions::READ, false),
            (vec![entry(31, "ip", "127.0.0.1")], Permissions::DELETE, true),
            (vec![entry(31, "ip", "127.0.0.0/8")], Permissions::DELETE, true),
            (vec![entry(31, "ip", "128.0.0.0/8")], Permissions::DELETE, false),
            (vec![entry(31, "digest", "127.0.0.1")], Permissions::READ, false),
            (
                vec![entry(1, "world", "anyone"), entry(2, "digest", &hash)],
                Permissions::WRITE,
                true,
            ),
        ] {
            assert_eq!(bob.may(wanted, &list), expected, "{wanted:?} by {list:?}");
        }
        assert!(local().unchecked().may(Permissions::ADMIN, &[entry(0, "world", "anyone")]));
    }
}

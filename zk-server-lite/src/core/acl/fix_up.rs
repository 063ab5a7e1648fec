//! Which access lists a server takes.

use std::collections::BTreeSet;

use zk_proto::data::Id;
use zk_proto::{Acl, ErrorCode};

use super::{AuthIds, digest, ip, sasl, x509};
use crate::core::{Features, SaslScheme};

/// Checks a list, takes its duplicates out and puts the caller's identities in for `auth`
/// (`PrepRequestProcessor.fixupACL`). Duplicates that come with the identities stay.
///
/// # Errors
/// `InvalidAcl` for a null or empty list, for an entry that names nobody this server knows, and
/// for `auth` when the caller has shown nothing or the list becomes too long; `MarshallingError` for a null id.
pub(in crate::core) fn fix_up(
    list: Option<Vec<Acl>>,
    ids: &AuthIds,
    features: Features,
) -> Result<Vec<Acl>, ErrorCode> {
    let list = without_duplicates(list.unwrap_or_default())?;
    if list.is_empty() {
        return Err(ErrorCode::InvalidAcl);
    }
    if list.iter().all(|entry| entry.id.scheme.as_deref() != Some(AUTH)) {
        list.iter().try_for_each(|entry| check(entry, features))?;
        return Ok(list);
    }
    let mut fixed = Vec::with_capacity(list.len());
    for entry in list {
        if entry.id.scheme.as_deref() == Some(AUTH) {
            let before = fixed.len();
            let expanded = ids.authenticated().cloned().map(|id| Acl { perms: entry.perms, id });
            fixed.extend(expanded);
            if fixed.len() == before || fixed.len() > MAX_EXPANDED {
                return Err(ErrorCode::InvalidAcl);
            }
        } else {
            check(&entry, features)?;
            fixed.push(entry);
        }
    }
    Ok(fixed)
}

/// The first of equal entries stays where it is.
///
/// # Errors
/// `MarshallingError` where an entry cannot be compared with one before it: it has the same
/// permissions and no scheme, or the same scheme and no id (`ACL.equals`).
fn without_duplicates(list: Vec<Acl>) -> Result<Vec<Acl>, ErrorCode> {
    if list.len() < 2 {
        return Ok(list);
    }
    // Clients can send tens of thousands of entries, so each is not compared with each.
    let mut seen = BTreeSet::new();
    let (mut seen_perms, mut seen_schemes) = (BTreeSet::new(), BTreeSet::new());
    let mut kept = Vec::with_capacity(list.len());
    for entry in list {
        let (perms, Id { scheme, id }) = (entry.perms.bits(), entry.id.clone());
        let same_perms = !seen_perms.insert(perms);
        let same_scheme = !seen_schemes.insert((perms, scheme.clone()));
        if (same_perms && scheme.is_none()) || (same_scheme && id.is_none()) {
            return Err(ErrorCode::MarshallingError);
        }
        if seen.insert((perms, scheme, id)) {
            kept.push(entry);
        }
    }
    Ok(kept)
}

fn check(entry: &Acl, features: Features) -> Result<(), ErrorCode> {
    let scheme = entry.id.scheme.as_deref().ok_or(ErrorCode::InvalidAcl)?;
    let id = entry.id.id.as_deref();
    let valid = match scheme {
        "world" => id.ok_or(ErrorCode::MarshallingError)? == "anyone",
        digest::SCHEME => digest::is_valid(id.ok_or(ErrorCode::MarshallingError)?),
        ip::SCHEME => ip::is_valid(id.ok_or(ErrorCode::MarshallingError)?),
        sasl::SCHEME if features.sasl == SaslScheme::Known => {
            sasl::is_valid(id.ok_or(ErrorCode::MarshallingError)?)
        }
        x509::SCHEME if features.x509 => x509::is_valid(id.ok_or(ErrorCode::MarshallingError)?),
        _ => false,
    };
    if valid { Ok(()) } else { Err(ErrorCode::InvalidAcl) }
}

/// How long a list may become by the identities that are put in. ZooKeeper's limit is the size of
/// the transaction.
const MAX_EXPANDED: usize = 64 * 1024;

/// The scheme that stands for whoever asks.
const AUTH: &str = "auth";

#[cfg(test)]
mod tests {
    use zk_proto::Permissions;

    use super::*;

    fn entry(scheme: &'static str, id: &'static str) -> Acl {
        let id = Id { scheme: Some(scheme.into()), id: Some(id.into()) };
        Acl { perms: Permissions::ALL, id }
    }

    fn fix(list: Vec<Acl>) -> Result<Vec<Acl>, ErrorCode> {
        let features = Features { sasl: SaslScheme::Known, ..Features::default() };
        fix_up(Some(list), &AuthIds::default(), features)
    }

    #[test]
    fn an_entry_is_valid_when_its_scheme_knows_the_id() {
        for (scheme, id, valid) in [
            ("world", "anyone", true),
            ("world", "someone", false),
            ("digest", "user:hash", true),
            ("digest", "user", false),
            ("digest", "a:b:c", false),
            ("digest", "a:", false),
            ("sasl", "bob", true),
            ("sasl", "bob/host@REALM", true),
            ("sasl", "bob@a@b", false),
            ("ip", "10.0.0.1", true),
            ("ip", "10.0.0.0/8", true),
            ("ip", "1.2.3", false),
            ("ip", "10.0.0.0/33", false),
            ("ip", "10.0.0.0/-1", false),
            ("ip", "::1", true),
            ("auth", "", false),
            ("nope", "x", false),
        ] {
            let outcome = fix(vec![entry(scheme, id)]);
            assert_eq!(outcome.is_ok(), valid, "{scheme}:{id}");
        }
    }

    #[test]
    fn names_in_certificates_are_known_where_there_are_certificates() {
        for (x509, id, valid) in
            [(true, "CN=bob,O=Example", true), (true, "bob", false), (false, "CN=bob", false)]
        {
            let features = Features { x509, ..Features::default() };
            let fixed = fix_up(Some(vec![entry("x509", id)]), &AuthIds::default(), features);
            assert_eq!(fixed.is_ok(), valid, "{id}");
        }
    }

    #[test]
    fn null_and_empty_lists_are_invalid() {
        assert_eq!(
            fix_up(None, &AuthIds::default(), Features::default()),
            Err(ErrorCode::InvalidAcl)
        );
        assert_eq!(fix(Vec::new()), Err(ErrorCode::InvalidAcl));
    }

    #[test]
    fn a_null_scheme_is_invalid_and_a_null_id_unreadable() {
        let mut null_scheme = entry("world", "anyone");
        null_scheme.id.scheme = None;
        assert_eq!(fix(vec![null_scheme]), Err(ErrorCode::InvalidAcl));
        let mut null_id = entry("world", "anyone");
        null_id.id.id = None;
        assert_eq!(fix(vec![null_id]), Err(ErrorCode::MarshallingError));
    }

    #[test]
    fn a_null_that_has_to_be_compared_is_unreadable() {
        let null_scheme = |bits| {
            let id = Id { scheme: None, id: Some("anyone".into()) };
            Acl { perms: Permissions::from_bits_retain(bits), id }
        };
        let null_id = |scheme: &'static str| {
            let id = Id { scheme: Some(scheme.into()), id: None };
            Acl { perms: Permissions::ALL, id }
        };
        let open = entry("world", "anyone");
        for (list, code) in [
            (vec![open.clone(), null_scheme(31)], ErrorCode::MarshallingError),
            (vec![open.clone(), null_scheme(1)], ErrorCode::InvalidAcl),
            (vec![null_scheme(31), entry("nope", "x")], ErrorCode::InvalidAcl),
            (vec![entry("digest", "a:b:c"), null_id("digest")], ErrorCode::MarshallingError),
            (vec![entry("digest", "a:b:c"), null_id("ip")], ErrorCode::InvalidAcl),
        ] {
            assert_eq!(fix(list.clone()), Err(code), "{list:?}");
        }
    }

    #[test]
    fn duplicates_go_and_the_order_stays() {
        let (a, b) = (entry("ip", "1.1.1.1"), entry("world", "anyone"));
        let fixed = fix(vec![a.clone(), b.clone(), a.clone()]);
        assert_eq!(fixed, Ok(vec![a, b]));
    }

    #[test]
    fn permissions_are_kept_unmasked() {
        let mut odd = entry("world", "anyone");
        odd.perms = Permissions::from_bits_retain(-1);
        assert_eq!(fix(vec![odd.clone()]), Ok(vec![odd]));
    }

    #[test]
    fn auth_stands_for_every_identity_that_was_proved() {
        let mut ids = AuthIds::of_peer("127.0.0.1".parse().unwrap());
        let auth =
            |bits| Acl { perms: Permissions::from_bits_retain(bits), ..entry("auth", "bob") };
        assert_eq!(
            fix_up(Some(vec![auth(1)]), &ids, Features::default()),
            Err(ErrorCode::InvalidAcl),
            "ip is not one"
        );
        let super_digest = zk_proto::data::digest("super:admin");
        for word in ["bob:1", "super:admin"] {
            ids.authenticate("digest", Some(word.as_bytes()), Some(&super_digest)).unwrap();
        }
        let digest = |word: &str| zk_proto::data::digest(word);
        let expanded = |bits, word| {
            let id = Id { scheme: Some("digest".into()), id: Some(digest(word).into()) };
            Acl { perms: Permissions::from_bits_retain(bits), id }
        };
        // Whatever its id is, even null; and what doubles by it stays.
        let mut null = auth(2);
        null.id.id = None;
        let list = vec![expanded(1, "bob:1"), entry("world", "anyone"), auth(1), null];
        let fixed = fix_up(Some(list), &ids, Features::default()).unwrap();
        let both = |bits| [expanded(bits, "bob:1"), expanded(bits, "super:admin")];
        let mut expected = vec![expanded(1, "bob:1"), entry("world", "anyone")];
        expected.extend(both(1));
        expected.extend(both(2));
        assert_eq!(fixed, expected);
    }
}

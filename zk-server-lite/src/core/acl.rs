//! Which access lists a server takes.
//!
//! Lists are checked and stored as ZooKeeper does, but not enforced yet: everybody may do
//! everything.

use ::core::net::IpAddr;
use zk_proto::{Acl, ErrorCode};

/// Checks a list, without duplicates (`PrepRequestProcessor.fixupACL`).
///
/// # Errors
/// `InvalidAcl` for a null or empty list, and for an entry that names nobody this server knows;
/// `MarshallingError` for a null id.
pub(super) fn fix_up(list: Option<Vec<Acl>>) -> Result<Vec<Acl>, ErrorCode> {
    let mut list = list.unwrap_or_default();
    if list.len() > 1 {
        let mut kept = Vec::with_capacity(list.len());
        for entry in list {
            if !kept.contains(&entry) {
                kept.push(entry);
            }
        }
        list = kept;
    }
    if list.is_empty() {
        return Err(ErrorCode::InvalidAcl);
    }
    list.iter().try_for_each(check)?;
    Ok(list)
}

fn check(entry: &Acl) -> Result<(), ErrorCode> {
    let scheme = entry.id.scheme.as_deref().ok_or(ErrorCode::InvalidAcl)?;
    let id = entry.id.id.as_deref();
    let valid = match scheme {
        "world" => id.ok_or(ErrorCode::MarshallingError)? == "anyone",
        "digest" => is_digest(id.ok_or(ErrorCode::MarshallingError)?),
        "ip" => is_address_range(id.ok_or(ErrorCode::MarshallingError)?),
        // `auth` stands for the identities of the connection, and none can be had yet.
        _ => false,
    };
    if valid { Ok(()) } else { Err(ErrorCode::InvalidAcl) }
}

/// `user:hash`, with exactly one colon and something behind it.
fn is_digest(id: &str) -> bool {
    id.split_once(':').is_some_and(|(_, hash)| !hash.is_empty() && !hash.contains(':'))
}

/// An address, or an address and how many of its bits count.
fn is_address_range(id: &str) -> bool {
    let (address, bits) = match id.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (id, None),
    };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32_u8,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.is_none_or(|bits| bits.parse().is_ok_and(|bits: u8| bits <= most))
}

#[cfg(test)]
mod tests {
    use zk_proto::{Permissions, data::Id};

    use super::*;

    fn entry(scheme: &'static str, id: &'static str) -> Acl {
        let id = Id { scheme: Some(scheme.into()), id: Some(id.into()) };
        Acl { perms: Permissions::ALL, id }
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
            ("ip", "10.0.0.1", true),
            ("ip", "10.0.0.0/8", true),
            ("ip", "1.2.3", false),
            ("ip", "10.0.0.0/33", false),
            ("ip", "10.0.0.0/-1", false),
            ("ip", "::1", true),
            ("auth", "", false),
            ("nope", "x", false),
        ] {
            let outcome = fix_up(Some(vec![entry(scheme, id)]));
            assert_eq!(outcome.is_ok(), valid, "{scheme}:{id}");
        }
    }

    #[test]
    fn null_and_empty_lists_are_invalid() {
        assert_eq!(fix_up(None), Err(ErrorCode::InvalidAcl));
        assert_eq!(fix_up(Some(Vec::new())), Err(ErrorCode::InvalidAcl));
    }

    #[test]
    fn a_null_scheme_is_invalid_and_a_null_id_unreadable() {
        let mut null_scheme = entry("world", "anyone");
        null_scheme.id.scheme = None;
        assert_eq!(fix_up(Some(vec![null_scheme])), Err(ErrorCode::InvalidAcl));
        let mut null_id = entry("world", "anyone");
        null_id.id.id = None;
        assert_eq!(fix_up(Some(vec![null_id])), Err(ErrorCode::MarshallingError));
    }

    #[test]
    fn duplicates_go_and_the_order_stays() {
        let (a, b) = (entry("ip", "1.1.1.1"), entry("world", "anyone"));
        let fixed = fix_up(Some(vec![a.clone(), b.clone(), a.clone()]));
        assert_eq!(fixed, Ok(vec![a, b]));
    }

    #[test]
    fn permissions_are_kept_unmasked() {
        let mut odd = entry("world", "anyone");
        odd.perms = Permissions::from_bits_retain(-1);
        assert_eq!(fix_up(Some(vec![odd.clone()])), Ok(vec![odd]));
    }
}

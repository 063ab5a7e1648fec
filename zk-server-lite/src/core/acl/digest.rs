//! The scheme `digest`: a name and the hash of a password (`DigestAuthenticationProvider`).

/// The name of the scheme.
pub(super) const SCHEME: &str = "digest";

/// Whether an id of an access list is `user:hash`. Java splits it at colons and then forgets empty
/// parts at the end, so `user:hash:` is fine and `user:` is not.
pub(super) fn is_valid(id: &str) -> bool {
    id.trim_end_matches(':').split(':').count() == 2
}

/// The id without its hash: what is left of `user:hash` is `user:x`.
pub(super) fn redact(id: &str) -> String {
    match id.split_once(':') {
        Some((user, _)) => format!("{user}:x"),
        None => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_name_and_a_hash_with_a_colon_between() {
        for (id, valid) in [
            ("user:hash", true),
            (":hash", true),
            ("user:hash:", true),
            ("user", false),
            ("user:", false),
            ("a:b:c", false),
            ("a::c", false),
            (":", false),
            ("", false),
        ] {
            assert_eq!(is_valid(id), valid, "{id}");
        }
    }
}

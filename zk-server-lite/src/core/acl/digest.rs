//! The scheme `digest`: a name and the hash of a password (`DigestAuthenticationProvider`).

/// The name of the scheme.
pub(super) const SCHEME: &str = "digest";

/// Whether an id of an access list is `user:hash`. Java splits it at colons and then forgets empty
/// parts at the end, so `user:hash:` is fine and `user:` is not.
pub(super) fn is_valid(id: &str) -> bool {
    id.trim_end_matches(':').split(':').count() == 2
}

/// The name in an id, up to the first colon.
pub(super) fn user(id: &str) -> &str {
    id.split(':').next().unwrap_or_default()
}

/// An id without its hash: `user:hash` becomes `user:x`.
pub(super) fn redact(id: &str) -> String {
    if id.contains(':') { format!("{}:x", user(id)) } else { id.to_owned() }
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

    #[test]
    fn what_is_told_of_an_id_does_not_hold_its_hash() {
        for (id, redacted) in [("user:hash", "user:x"), ("a:b:c", "a:x"), (":h", ":x"), ("u", "u")]
        {
            assert_eq!(redact(id), redacted);
        }
    }
}

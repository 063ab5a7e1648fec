//! The scheme `sasl`: users who have proven a password (`SASLAuthenticationProvider`).

pub(super) const SCHEME: &str = "sasl";

/// Whether an entry can name this user: what Kerberos can call somebody, which is any text without
/// an `@`, or up to two parts and a realm (`KerberosName`).
pub(super) fn is_valid(id: &str) -> bool {
    let Some((name, realm)) = id.split_once('@') else {
        return true;
    };
    name.split('/').count() <= 2 && !realm.contains(['/', '@'])
}

/// Whether a user is the one that an entry names. The user `super` is everybody.
pub(super) fn matches(id: &str, expression: &str) -> bool {
    id == "super" || id == expression
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_what_kerberos_can_call_somebody() {
        for (id, valid) in [
            ("bob", true),
            ("", true),
            ("a/b/c", true),
            ("bob@EXAMPLE.COM", true),
            ("bob/host@EXAMPLE.COM", true),
            ("@", true),
            ("a/b/c@R", false),
            ("bob@R/x", false),
            ("bob@R@S", false),
        ] {
            assert_eq!(is_valid(id), valid, "{id}");
        }
    }

    #[test]
    fn an_entry_is_for_the_user_it_names_and_for_super() {
        for (id, expression, matched) in [
            ("bob", "bob", true),
            ("bob", "eve", false),
            ("super", "bob", true),
            ("bob", "super", false),
        ] {
            assert_eq!(matches(id, expression), matched, "{id} {expression}");
        }
    }
}

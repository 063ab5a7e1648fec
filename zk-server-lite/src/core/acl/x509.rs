//! The scheme `x509`: names in certificates.

pub(super) const SCHEME: &str = "x509";

/// Whether an access list may name it: it reads as a distinguished name
/// (`X509AuthenticationProvider.isValid`). One without any part is one, too.
pub(super) fn is_valid(name: &str) -> bool {
    name.trim().is_empty() || parts(name).iter().all(|part| is_part(part))
}

/// What stands between commas, semicolons and plus signs that are not part of a value.
fn parts(name: &str) -> Vec<&str> {
    let (mut escaped, mut quoted) = (false, false);
    name.split(|c: char| {
        if std::mem::replace(&mut escaped, false) {
            return false;
        }
        match c {
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        matches!(c, ',' | ';' | '+') && !quoted
    })
    .collect()
}

/// Whether it is a type that Java knows, or the number of one, with a value.
fn is_part(part: &str) -> bool {
    let Some((kind, _)) = part.split_once('=') else {
        return false;
    };
    let kind = kind.trim().to_ascii_uppercase();
    let number = kind.strip_prefix("OID.").unwrap_or(&kind);
    let is_number = number.contains('.')
        && number.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()));
    is_number || KINDS.contains(&&*kind)
}

/// The types that Java reads by name (`sun.security.x509.AVAKeyword`).
const KINDS: [&str; 20] = [
    "CN",
    "C",
    "L",
    "S",
    "ST",
    "O",
    "OU",
    "T",
    "IP",
    "STREET",
    "DC",
    "DNQUALIFIER",
    "DNQ",
    "SURNAME",
    "GIVENNAME",
    "INITIALS",
    "GENERATION",
    "EMAILADDRESS",
    "UID",
    "SERIALNUMBER",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distinguished_name_has_types_that_are_known() {
        for (name, valid) in [
            ("CN=bob", true),
            ("CN=bob,O=Example\\, Inc.,C=DE", true),
            ("cn = bob + uid=7 ; O=\"a,b\"", true),
            ("1.2.840.113549.1.9.1=#1603626f62,CN=bob", true),
            ("OID.2.5.4.3=bob", true),
            ("CN=", true),
            ("", true),
            ("bob", false),
            ("CN=bob,", false),
            ("NICK=bob", false),
            ("1..2=bob", false),
            ("CN=bob,O", false),
        ] {
            assert_eq!(is_valid(name), valid, "{name}");
        }
    }
}

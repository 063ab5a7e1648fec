//! The name in a certificate.

use std::fmt::Write;

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Any, ObjectIdentifier};
use x509_cert::der::{self, Decode, Encode, Tag, Tagged};

/// The subject as Java writes it (`X500Principal.getName`, RFC 2253): the last part first, and
/// types that have no name there as numbers with their values in hex.
///
/// # Errors
/// For a certificate that cannot be read.
pub(super) fn subject(certificate: &CertificateDer<'_>) -> der::Result<String> {
    let certificate = Certificate::from_der(certificate)?;
    let mut name = String::new();
    let parts: Vec<_> = certificate.tbs_certificate().subject().iter_rdn().collect();
    for (number, part) in parts.into_iter().rev().enumerate() {
        for (inner, attribute) in part.iter().enumerate() {
            name.push_str(match (number, inner) {
                (0, 0) => "",
                (_, 0) => ",",
                (_, _) => "+",
            });
            write_attribute(&mut name, attribute)?;
        }
    }
    Ok(name)
}

fn write_attribute(name: &mut String, attribute: &AttributeTypeAndValue) -> der::Result<()> {
    let (kind, value) = (attribute.oid, &attribute.value);
    let named = NAMED.iter().find(|(oid, _)| *oid == kind);
    if let (Some((_, keyword)), Some(text)) = (named, text(value)) {
        name.push_str(keyword);
        name.push('=');
        escape(name, text);
        return Ok(());
    }
    // A text cannot refuse what is written to it.
    let _ = write!(name, "{kind}=#");
    for byte in value.to_der()? {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(())
}

fn text(value: &Any) -> Option<&str> {
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            str::from_utf8(value.value()).ok()
        }
        _ => None,
    }
}

/// Puts a backslash before what would mean something, and before blanks at either end
/// (`sun.security.x509.AVA.toRFC2253String`).
fn escape(name: &mut String, text: &str) {
    let begin = text.len() - text.trim_start_matches(BLANKS).len();
    let end = text.trim_end_matches(BLANKS).len();
    for (at, c) in text.char_indices() {
        if c == '\0' {
            name.push_str("\\00");
            continue;
        }
        if at < begin || at >= end || ",=+<>#;\"\\".contains(c) {
            name.push('\\');
        }
        name.push(c);
    }
}

const BLANKS: [char; 2] = [' ', '\r'];

/// The types that RFC 2253 names.
const NAMED: [(ObjectIdentifier, &str); 9] = [
    (ObjectIdentifier::new_unwrap("2.5.4.3"), "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("2.5.4.9"), "STREET"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"), "DC"),
    (ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"), "UID"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_mean_something_is_escaped() {
        for (text, expected) in [
            ("bob", "bob"),
            ("A=B; <C>", "A\\=B\\; \\<C\\>"),
            ("#a#b", "\\#a\\#b"),
            ("  a b  ", "\\ \\ a b\\ \\ "),
            ("  ", "\\ \\ "),
            ("Söhne, \"x\" + \\", "Söhne\\, \\\"x\\\" \\+ \\\\"),
            ("a\0", "a\\00"),
            ("", ""),
        ] {
            let mut name = String::new();
            escape(&mut name, text);
            assert_eq!(name, expected, "{text:?}");
        }
    }
}

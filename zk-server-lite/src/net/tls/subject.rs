//! The name in a certificate.

use std::fmt::Write;

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::{self, Decode, Encode};

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
    let written = attribute.to_string();
    let kind = written.split_once('=').map_or("", |(kind, _)| kind);
    if NAMED.contains(&kind) {
        name.push_str(&written);
        return Ok(());
    }
    // A text cannot refuse what is written to it.
    let _ = write!(name, "{}=#", attribute.oid);
    for byte in attribute.value.to_der()? {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(())
}

/// The types that RFC 2253 names.
const NAMED: [&str; 9] = ["CN", "C", "L", "ST", "O", "OU", "STREET", "DC", "UID"];

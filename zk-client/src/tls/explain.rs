//! What went wrong with TLS, and what to do about it.

use std::io;

use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

use crate::connect_string::HostPort;

/// What is known of a connection when it fails.
#[derive(Clone, Debug)]
pub(super) struct Circumstances {
    pub(super) host: HostPort,
    /// Whether we have a certificate to show.
    pub(super) has_certificate: bool,
}

impl Circumstances {
    /// An error of the handshake.
    pub(super) fn of_handshake(&self, error: io::Error) -> io::Error {
        match error.kind() {
            // ZooKeeper reads a TLS greeting as a frame that is far too long.
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => self.say(
                error.kind(),
                "the connection was closed during the handshake; a port without TLS does so: is \
                 this the server's secureClientPort?",
            ),
            _ => self.of_session(error),
        }
    }

    /// An error of an open connection. With TLS 1.3 a server refuses a client certificate only
    /// after the handshake.
    pub(super) fn of_session(&self, error: io::Error) -> io::Error {
        let known = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match known {
            Some(known) => self.say(error.kind(), &self.explain(known)),
            None => error,
        }
    }

    fn say(&self, kind: io::ErrorKind, what: &str) -> io::Error {
        io::Error::new(kind, format!("TLS with {}: {what}", self.host))
    }

    fn explain(&self, error: &Error) -> String {
        match error {
            Error::InvalidMessage(_) => {
                format!("the answer is not TLS; is this the server's secureClientPort? ({error})")
            }
            Error::InvalidCertificate(certificate) => explain_certificate(certificate),
            Error::AlertReceived(alert) => self.explain_alert(*alert),
            Error::PeerIncompatible(_) => {
                format!("server and client have no version or cipher in common ({error})")
            }
            Error::NoCertificatesPresented => "the server has shown no certificate".to_owned(),
            _ => error.to_string(),
        }
    }

    fn explain_alert(&self, alert: AlertDescription) -> String {
        use AlertDescription as Alert;
        match alert {
            Alert::CertificateRequired => self.wants_certificate(alert),
            Alert::BadCertificate | Alert::CertificateUnknown | Alert::NoCertificate
                if !self.has_certificate =>
            {
                self.wants_certificate(alert)
            }
            Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::UnsupportedCertificate
            | Alert::CertificateExpired
            | Alert::CertificateRevoked
            | Alert::UnknownCA
            | Alert::AccessDenied => format!(
                "the server does not accept our certificate; does it trust the CA that has signed \
                 it, and is it still valid? (alert {alert:?})"
            ),
            Alert::ProtocolVersion => {
                format!("the server speaks neither TLS 1.2 nor 1.3 (alert {alert:?})")
            }
            // With TLS 1.2, which is all that ZooKeeper 3.8 speaks, this is what a missing
            // certificate comes to, among others.
            Alert::HandshakeFailure if !self.has_certificate => {
                format!("{}; or it wants another version or cipher", self.wants_certificate(alert))
            }
            Alert::HandshakeFailure | Alert::InsufficientSecurity => format!(
                "the server does not agree to what we offer; it may want another version or \
                 cipher, or a client certificate (alert {alert:?})"
            ),
            Alert::UnrecognisedName => {
                format!("the server does not know itself by that name (alert {alert:?})")
            }
            _ => format!("the server has ended it with the alert {alert:?}"),
        }
    }

    fn wants_certificate(&self, alert: AlertDescription) -> String {
        let ours = if self.has_certificate {
            "ours is none that it takes"
        } else {
            "none is set: see TlsOptions::client_certificate_files"
        };
        format!("the server wants a client certificate, and {ours} (alert {alert:?})")
    }
}

fn explain_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => "the server's certificate is signed by none of the CAs \
             given; add the CA that has signed it, or let the server send the certificates between"
            .to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names = if presented.is_empty() {
                "no name at all (only subject alternative names count)".to_owned()
            } else {
                presented.join(", ")
            };
            format!(
                "the server's certificate is not for {}, it is for {names}; connect by such a \
                 name, or say by TlsOptions::server_name what to expect",
                plain(expected)
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the server's certificate has expired; renew it, or set the clock ({error})")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the server's certificate is not valid yet; is the clock right? ({error})")
        }
        other if other.to_string().contains("CaUsedAsEndEntity") => {
            "the server shows the certificate of a CA; it needs one of its own that the CA has \
             signed"
                .to_owned()
        }
        _ => format!("the server's certificate is not accepted ({error})"),
    }
}

fn plain(name: &ServerName<'_>) -> String {
    name.to_str().into_owned()
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::InvalidMessage;

    use super::*;

    fn said(error: Error, has_certificate: bool) -> String {
        let circumstances = Circumstances { host: HostPort::new("zk1", 2281), has_certificate };
        let error = io::Error::new(io::ErrorKind::InvalidData, error);
        let said = circumstances.of_handshake(error).to_string();
        assert!(said.starts_with("TLS with zk1:2281: "), "{said}");
        said
    }

    #[test]
    fn what_goes_wrong_is_told_with_what_to_do() {
        let certificate = Error::InvalidCertificate;
        let alert = Error::AlertReceived;
        for (error, has_certificate, expected) in [
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), false, "secureClientPort"),
            (certificate(CertificateError::UnknownIssuer), false, "add the CA"),
            (certificate(CertificateError::Expired), false, "has expired"),
            (certificate(CertificateError::NotValidYet), false, "is the clock right"),
            (alert(AlertDescription::CertificateRequired), false, "client_certificate_files"),
            (alert(AlertDescription::BadCertificate), false, "client_certificate_files"),
            (alert(AlertDescription::BadCertificate), true, "does not accept our certificate"),
            (alert(AlertDescription::UnknownCA), true, "does it trust the CA"),
            (alert(AlertDescription::ProtocolVersion), true, "neither TLS 1.2 nor 1.3"),
            (alert(AlertDescription::HandshakeFailure), true, "or cipher"),
            (alert(AlertDescription::HandshakeFailure), false, "client_certificate_files"),
            (alert(AlertDescription::DecodeError), true, "DecodeError"),
        ] {
            let said = said(error, has_certificate);
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn a_wrong_name_is_told_with_the_right_ones() {
        let expected = ServerName::try_from("zk1").unwrap();
        let error = |presented: &[&str]| {
            let presented = presented.iter().map(ToString::to_string).collect();
            let expected = expected.clone();
            said(
                Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                    expected,
                    presented,
                }),
                false,
            )
        };
        assert!(error(&["a.example", "b.example"]).contains("not for zk1, it is for a.example, b"));
        assert!(error(&[]).contains("no name at all"));
    }

    #[test]
    fn an_error_of_the_transport_stays_as_it_is() {
        let circumstances =
            Circumstances { host: HostPort::new("zk1", 2281), has_certificate: false };
        let error = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(circumstances.of_session(error).to_string(), "connection reset");
        let other = io::Error::new(io::ErrorKind::InvalidData, "other");
        assert_eq!(circumstances.of_session(other).to_string(), "other");
    }
}

//! What to trust and what to show, as a rustls configuration.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::danger::{AnyCertificate, AnyName};
use super::pem::{Pem, TlsError};

/// Whom to trust, and who we are, for a [`TlsConnector`](super::TlsConnector).
///
/// Nobody is trusted unless a CA is given: neither the platform's CAs nor Mozilla's are taken, for
/// ensembles have certificates of a CA of their own. The crypto provider is always the one given
/// here; the default of the process is neither needed nor set. TLS 1.2 and 1.3 are spoken.
///
/// What is given as a file is read again for each connection, so that certificates can be changed
/// while a client runs.
#[derive(Clone, Debug)]
#[must_use = "to be given to a TlsConnector"]
pub struct TlsOptions {
    provider: Arc<CryptoProvider>,
    cas: Vec<Pem>,
    identity: Option<Identity>,
    pub(super) server_name: Option<String>,
    verification: Verification,
}

/// Who we are.
#[derive(Clone, Debug)]
struct Identity {
    certificates: Pem,
    key: Pem,
}

/// How far servers are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verification {
    /// A CA of ours has signed it, and it is for the name that was asked for.
    Full,
    /// A CA of ours has signed it.
    AnyName,
    /// Whoever answers.
    Nothing,
}

impl TlsOptions {
    /// TLS with a crypto provider, as `rustls::crypto::aws_lc_rs::default_provider()`.
    pub const fn new(provider: Arc<CryptoProvider>) -> Self {
        Self {
            provider,
            cas: Vec::new(),
            identity: None,
            server_name: None,
            verification: Verification::Full,
        }
    }

    /// TLS with ring as the crypto provider.
    #[cfg(feature = "tls-ring")]
    pub fn ring() -> Self {
        Self::new(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()))
    }

    /// Trusts the certificates in a PEM file, which is read again for each connection. Adds to
    /// those trusted already (`zookeeper.ssl.trustStore.location`).
    pub fn ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.cas.push(Pem::File(file.into()));
        self
    }

    /// Trusts certificates in PEM. Adds to those trusted already.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.cas.push(Pem::Text(pem.into()));
        self
    }

    /// Shows a certificate to servers that ask for one: mutual TLS. The file holds the
    /// certificate first and then those between it and the CA; key and certificates may be in the
    /// same file. Keys with a password cannot be used. Both files are read again for each
    /// connection (`zookeeper.ssl.keyStore.location`).
    pub fn client_certificate_files(
        mut self,
        certificates: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        let (certificates, key) = (Pem::File(certificates.into()), Pem::File(key.into()));
        self.identity = Some(Identity { certificates, key });
        self
    }

    /// The same, in PEM. Neither logs nor `Debug` show the key.
    pub fn client_certificate_pem(
        mut self,
        certificates: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        let (certificates, key) = (Pem::Text(certificates.into()), Pem::Text(key.into()));
        self.identity = Some(Identity { certificates, key });
        self
    }

    /// The name or address that the certificates of all servers must be for, also what SNI tells
    /// them. Default: the host as it stands in the connect string.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Accepts a certificate of a trusted CA for whatever name, as
    /// `zookeeper.ssl.hostnameVerification=false`.
    ///
    /// Whoever holds any certificate of those CAs, be it a client's, can then pass for a server.
    pub const fn danger_accept_any_name(mut self) -> Self {
        self.verification = Verification::AnyName;
        self
    }

    /// Accepts whatever certificate there is. CAs are not looked at.
    ///
    /// Whoever is on the way to a server can then read and change everything.
    pub const fn danger_accept_any_certificate(mut self) -> Self {
        self.verification = Verification::Nothing;
        self
    }

    /// Whether there is anything to read again.
    pub(super) fn has_files(&self) -> bool {
        let identity = self.identity.as_ref();
        self.cas.iter().any(Pem::is_file)
            || identity.is_some_and(|own| own.certificates.is_file() || own.key.is_file())
    }

    /// Reads everything.
    pub(super) fn load(&self) -> Result<ClientConfig, TlsError> {
        let versions = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?;
        let algorithms = self.provider.signature_verification_algorithms;
        let builder = match self.verification {
            Verification::Full => versions.with_root_certificates(self.roots()?),
            Verification::AnyName => {
                let verifier = AnyName::new(self.roots()?, algorithms);
                versions.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
            Verification::Nothing => {
                let verifier = AnyCertificate::new(algorithms);
                versions.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        let Some(Identity { certificates, key }) = &self.identity else {
            return Ok(builder.with_no_client_auth());
        };
        Ok(builder.with_client_auth_cert(certificates.certificates()?, key.key()?)?)
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        for ca in &self.cas {
            for certificate in ca.certificates()? {
                roots.add(certificate)?;
            }
        }
        if roots.is_empty() { Err(TlsError::NoCa) } else { Ok(roots) }
    }
}

/// What a certificate is to be for.
pub(super) fn parse_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    let bad = |_| TlsError::BadName { name: name.to_owned() };
    ServerName::try_from(name.to_owned()).map_err(bad)
}

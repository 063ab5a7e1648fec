//! What a secure listener shows and asks for.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::pem::{Pem, TlsError};

/// What a secure listener shows, and whom it lets in; for
/// [`ServerBuilder::secure_listen`](crate::ServerBuilder::secure_listen).
///
/// What is given as a file is read again for each connection; while a file is bad, what was read
/// last counts. The crypto provider is always the one given here, never the process' default.
#[derive(Clone)]
#[must_use = "to be given to ServerBuilder::secure_listen"]
pub struct TlsSettings(Kind);

#[derive(Clone)]
enum Kind {
    Made(Arc<ServerConfig>),
    Pem(Settings),
}

#[derive(Clone, Debug)]
struct Settings {
    provider: Arc<CryptoProvider>,
    certificates: Pem,
    key: Pem,
    trusted: Vec<Pem>,
    client_auth: ClientAuth,
}

/// Whether clients show certificates (`zookeeper.ssl.clientAuth`). One that was shown and is good
/// gives its connection an identity of the scheme `x509`: the subject, as RFC 2253 writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// They are not asked for one.
    None,
    /// They may; a bad one is refused.
    Want,
    /// They must.
    #[default]
    Need,
}

impl TlsSettings {
    /// A listener with certificate and key from PEM files, which may be one file: the server's
    /// certificate first, then those between it and the CA (`ssl.keyStore.location`).
    pub fn files(
        provider: Arc<CryptoProvider>,
        certificates: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        Self::of(provider, Pem::File(certificates.into()), Pem::File(key.into()))
    }

    /// The same, in PEM.
    pub fn pem(
        provider: Arc<CryptoProvider>,
        certificates: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        Self::of(provider, Pem::Text(certificates.into()), Pem::Text(key.into()))
    }

    /// A listener with a configuration of your own. What it asks of clients counts, and nothing
    /// else that is set here.
    pub const fn with_config(config: Arc<ServerConfig>) -> Self {
        Self(Kind::Made(config))
    }

    fn of(provider: Arc<CryptoProvider>, certificates: Pem, key: Pem) -> Self {
        let trusted = Vec::new();
        let client_auth = ClientAuth::default();
        Self(Kind::Pem(Settings { provider, certificates, key, trusted, client_auth }))
    }

    /// Believes certificates of clients that these CAs have signed. Adds to those that are
    /// believed already (`ssl.trustStore.location`).
    pub fn trust_file(self, file: impl Into<PathBuf>) -> Self {
        self.trust(Pem::File(file.into()))
    }

    /// The same, in PEM.
    pub fn trust_pem(self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust(Pem::Text(pem.into()))
    }

    fn trust(self, pem: Pem) -> Self {
        self.change(|settings| settings.trusted.push(pem))
    }

    /// Whether clients show certificates. Default [`ClientAuth::Need`], as ZooKeeper's.
    pub fn client_auth(self, client_auth: ClientAuth) -> Self {
        self.change(|settings| settings.client_auth = client_auth)
    }

    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        if let Kind::Pem(settings) = &mut self.0 {
            change(settings);
        }
        self
    }

    /// Whether there is anything to read again.
    pub(super) fn has_files(&self) -> bool {
        match &self.0 {
            Kind::Made(_) => false,
            Kind::Pem(settings) => {
                let own = [&settings.certificates, &settings.key];
                own.into_iter().chain(&settings.trusted).any(Pem::is_file)
            }
        }
    }

    /// Reads everything.
    pub(super) fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        match &self.0 {
            Kind::Made(config) => Ok(Arc::clone(config)),
            Kind::Pem(settings) => settings.load(),
        }
    }
}

impl Settings {
    fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?;
        let builder = match self.client_auth {
            ClientAuth::None => builder.with_no_client_auth(),
            ClientAuth::Want | ClientAuth::Need => {
                let provider = Arc::clone(&self.provider);
                let roots = Arc::new(self.roots()?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                let verifier = match self.client_auth {
                    ClientAuth::Want => verifier.allow_unauthenticated(),
                    ClientAuth::None | ClientAuth::Need => verifier,
                };
                builder.with_client_cert_verifier(verifier.build()?)
            }
        };
        let certificates = self.certificates.certificates()?;
        Ok(Arc::new(builder.with_single_cert(certificates, self.key.key()?)?))
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        for trusted in &self.trusted {
            for certificate in trusted.certificates()? {
                roots.add(certificate)?;
            }
        }
        if roots.is_empty() { Err(TlsError::NoCa) } else { Ok(roots) }
    }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Made(_) => f.debug_tuple("TlsSettings").finish_non_exhaustive(),
            Kind::Pem(settings) => settings.fmt(f),
        }
    }
}

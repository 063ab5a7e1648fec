//! Certificates and keys in PEM text.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;

use thiserror::Error;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::VerifierBuilderError;

/// Why there is no TLS listener with the settings given.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no PEM section of the kind that is needed.
    #[error("{place} holds no {wanted} in PEM{}", if *encrypted { ": the key is encrypted, and only keys without a password can be used" } else { "" })]
    Missing {
        /// The file, or that the text was given in memory.
        place: String,
        /// What was looked for.
        wanted: &'static str,
        /// Whether there is a key with a password.
        encrypted: bool,
    },
    /// The text is no PEM.
    #[error("{place} cannot be read as PEM: {reason}")]
    BadPem {
        /// The file, or that the text was given in memory.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// Client certificates are asked for, and no CA was given.
    #[error("client certificates are asked for, and no CA is given to check them by")]
    NoCa,
    /// What was read does not fit together, as a key and a certificate of another key.
    #[error("unusable for TLS: {0}")]
    Unusable(#[from] rustls::Error),
    /// The CAs are no good to check clients by.
    #[error("unusable to check clients by: {0}")]
    UnusableCas(#[from] VerifierBuilderError),
}

/// PEM text, or where to find it.
#[derive(Clone)]
pub(super) enum Pem {
    Text(Vec<u8>),
    File(PathBuf),
}

impl Pem {
    pub(super) const fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// At least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.read()?).collect();
        let found = found.map_err(|error| self.bad(&error.to_string()))?;
        if found.is_empty() {
            let place = self.place();
            return Err(TlsError::Missing { place, wanted: "certificate", encrypted: false });
        }
        Ok(found)
    }

    /// The first one.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let text = self.read()?;
        match PrivateKeyDer::pem_slice_iter(&text).next() {
            Some(Ok(key)) => Ok(key),
            Some(Err(error)) => Err(self.bad(&error.to_string())),
            None => Err(TlsError::Missing {
                place: self.place(),
                wanted: "private key",
                encrypted: String::from_utf8_lossy(&text).contains("ENCRYPTED PRIVATE KEY"),
            }),
        }
    }

    fn read(&self) -> Result<Vec<u8>, TlsError> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(file) => {
                fs::read(file).map_err(|source| TlsError::Read { file: file.clone(), source })
            }
        }
    }

    fn bad(&self, reason: &str) -> TlsError {
        TlsError::BadPem { place: self.place(), reason: reason.to_owned() }
    }

    fn place(&self) -> String {
        match self {
            Self::Text(_) => "the text given".to_owned(),
            Self::File(file) => file.display().to_string(),
        }
    }
}

/// Says where it is and not what: it may be a key.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{} bytes", text.len()),
            Self::File(file) => write!(f, "{}", file.display()),
        }
    }
}

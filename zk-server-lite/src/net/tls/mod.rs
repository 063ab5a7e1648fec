//! Clients over TLS: what the server shows and whom it lets in, by rustls.

mod accept;
mod pem;
mod settings;
mod subject;

pub(crate) use accept::{Acceptor, welcome};
pub use pem::TlsError;
pub use settings::{ClientAuth, TlsSettings};

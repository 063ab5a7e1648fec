//! TLS by rustls, around any transport.
//!
//! [`options`] makes a rustls configuration of PEM text, [`connector`] speaks TLS over what
//! another connector has opened, [`stream`] is the connection, and [`explain`] turns what goes
//! wrong into what to do about it.

mod connector;
mod danger;
mod explain;
mod options;
mod pem;
mod stream;

pub use connector::TlsConnector;
pub use options::TlsOptions;
pub use pem::TlsError;

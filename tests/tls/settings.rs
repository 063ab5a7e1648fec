//! Settings that make no TLS, and what is shown of those that do.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use zk_client::rustls::ServerConfig;
use zk_client::rustls::pki_types::pem::PemObject;
use zk_client::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zk_client::{TlsConnector, TlsError, TlsOptions};
use zk_server_lite::{Server, StartError, TlsSettings};
use zk_test_kit::{Authority, Certified};

use crate::place::{ANY_PORT, provider};

/// What is wrong with the options of a client.
fn fault(options: TlsOptions) -> String {
    TlsConnector::new(options).unwrap_err().to_string()
}

#[test]
fn settings_of_a_client_that_make_no_tls_are_refused_at_once() {
    let authority = Authority::new("authority");
    let (bob, eve) = (authority.client("bob"), authority.client("eve"));
    let options = || TlsOptions::ring().ca_pem(authority.pem());
    let showing =
        |certificates: &str, key: &str| fault(options().client_certificate_pem(certificates, key));
    assert!(matches!(TlsConnector::new(TlsOptions::ring()), Err(TlsError::NoCa)));
    let missing = fault(TlsOptions::ring().ca_file("/no/such/file.pem"));
    assert!(missing.contains("cannot read /no/such/file.pem"), "{missing}");
    let empty = fault(TlsOptions::ring().ca_pem(bob.key.as_str()));
    assert!(empty.contains("holds no certificate"), "{empty}");
    let cut = fault(TlsOptions::ring().ca_pem("-----BEGIN CERTIFICATE-----\nMIIB"));
    assert!(cut.contains("cannot be read as PEM"), "{cut}");
    let foreign = showing(&bob.certificate, &eve.key);
    assert!(foreign.contains("unusable for TLS"), "{foreign}");
    let keyless = showing(&bob.certificate, &bob.certificate);
    assert!(keyless.contains("holds no private key"), "{keyless}");
    let encrypted = bob.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let encrypted = showing(&bob.certificate, &encrypted);
    assert!(encrypted.contains("the key is encrypted"), "{encrypted}");
    // One text may hold both, in any order.
    let store = bob.store();
    TlsConnector::new(options().client_certificate_pem(store.as_str(), store.as_str())).unwrap();
}

#[tokio::test]
async fn settings_of_a_server_that_make_no_tls_are_refused_at_the_start() {
    let authority = Authority::new("authority");
    let own = authority.server(&["localhost"]);
    let start = async |settings: TlsSettings| {
        let started = Server::builder().secure_listen(ANY_PORT, settings).start().await;
        let Err(StartError::Tls(error)) = started else { panic!("{started:?}") };
        error.to_string()
    };
    let own = || TlsSettings::pem(provider(), own.certificate.as_str(), own.key.as_str());
    let untrusting = start(own()).await;
    assert!(untrusting.contains("no CA is given"), "{untrusting}");
    let missing = start(own().trust_file("/no/such/file.pem")).await;
    assert!(missing.contains("cannot read /no/such/file.pem"), "{missing}");
    let keyless = start(TlsSettings::pem(provider(), authority.pem(), "")).await;
    assert!(keyless.contains("holds no private key") || keyless.contains("no CA"), "{keyless}");
}

#[tokio::test]
async fn neither_side_shows_its_keys() {
    let authority = Authority::new("authority");
    let own = authority.server(&["localhost"]);
    let options = TlsOptions::ring()
        .ca_pem(authority.pem())
        .client_certificate_pem(own.certificate.as_str(), own.key.as_str());
    let settings = TlsSettings::pem(provider(), own.certificate.as_str(), own.key.as_str());
    let builder = Server::builder().secure_listen(ANY_PORT, settings.clone());
    let shown = format!(
        "{options:?} {settings:?} {builder:?} {:?}",
        TlsConnector::new(options.clone()).unwrap()
    );
    let key: Vec<_> = own.key.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(key.iter().all(|line| !shown.contains(line)), "{shown}");
    let bytes = format!("{:?}", &own.key.as_bytes()[..8]);
    assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
}

/// A side that speaks TLS and knows nothing of ZooKeeper.
pub(crate) fn acceptor(own: &Certified) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(own.certificate.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.collect::<Result<_, _>>().unwrap(), key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

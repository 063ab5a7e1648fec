//! Whom a client trusts, and what it says of those it does not.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use zk_client::rustls::crypto::CryptoProvider;
use zk_client::rustls::{ClientConfig, RootCertStore, ServerConfig};
use zk_client::{Client, Error, TlsConnector, TlsError, TlsOptions};
use zk_server_lite::{ClientAuth, TlsSettings};
use zk_test_kit::Authority;

use crate::place::{Place, dial, provider, reason};

/// What a client that trusts the authority says of a server that shows one of its certificates.
async fn refusal_of(names: &[&str], expired: bool) -> String {
    let authority = Authority::new("authority");
    let own = if expired { authority.expired(names) } else { authority.server(names) };
    let place = Place::showing(authority, &own, ClientAuth::None, |builder| builder).await;
    reason(place.dial(place.options()).await)
}

#[tokio::test]
async fn a_server_that_a_trusted_authority_has_signed_is_trusted_by_name_and_by_address() {
    let place = Place::open().await;
    let connector = TlsConnector::new(place.options()).unwrap();
    for host in ["localhost", "127.0.0.1"] {
        dial(&connector, host, place.secure_port()).await.unwrap();
    }
    // Nor did any of this need a provider for the whole process, or set one.
    assert!(CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_refused_and_the_reason_reaches_the_user() {
    let place = Place::open().await;
    let stranger = Authority::new("stranger");
    let options = TlsOptions::ring().ca_pem(stranger.pem());
    let tls = TlsConnector::new(options).unwrap();
    let connected = Client::builder(format!("localhost:{}", place.secure_port()))
        .connector(tls)
        .connect_timeout(std::time::Duration::from_secs(1))
        .connect()
        .await;
    let Err(Error::Connect { reason }) = connected else { panic!("{connected:?}") };
    let expected = format!("TLS with localhost:{}: ", place.secure_port());
    assert!(reason.contains(&expected), "{reason}");
    assert!(reason.contains("signed by none of the CAs given"), "{reason}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_with_the_names_it_is_for() {
    let reason = refusal_of(&["zk1.example", "10.0.0.1"], false).await;
    assert!(reason.contains("is not for localhost"), "{reason}");
    assert!(reason.contains("zk1.example"), "{reason}");
    let reason = refusal_of(&[], false).await;
    assert!(reason.contains("no name at all"), "{reason}");
}

#[tokio::test]
async fn a_name_that_is_said_to_be_expected_wins_over_the_one_that_was_typed() {
    let authority = Authority::new("authority");
    let own = authority.server(&["zookeeper.example"]);
    let place = Place::showing(authority, &own, ClientAuth::None, |builder| builder).await;
    place.dial(place.options().server_name("zookeeper.example")).await.unwrap();
    let refused = TlsConnector::new(place.options().server_name("not a name"));
    assert!(matches!(refused, Err(TlsError::BadName { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_refused_as_such() {
    let reason = refusal_of(&["localhost"], true).await;
    assert!(reason.contains("has expired"), "{reason}");
    let authority = Authority::new("authority");
    let own = authority.not_yet_valid(&["localhost"]);
    let place = Place::showing(authority, &own, ClientAuth::None, |builder| builder).await;
    let reason = crate::place::reason(place.dial(place.options()).await);
    assert!(reason.contains("not valid yet"), "{reason}");
}

#[tokio::test]
async fn verification_can_be_left_out_only_by_saying_so() {
    let authority = Authority::new("authority");
    let own = authority.server(&["elsewhere.example"]);
    let place = Place::showing(authority, &own, ClientAuth::None, |builder| builder).await;
    place.dial(place.options().danger_accept_any_name()).await.unwrap();
    place.dial(TlsOptions::ring().danger_accept_any_certificate()).await.unwrap();
    // A name is all that is not looked at.
    let stranger = TlsOptions::ring().ca_pem(Authority::new("stranger").pem());
    let refused = reason(place.dial(stranger.danger_accept_any_name()).await);
    assert!(refused.contains("signed by none of the CAs"), "{refused}");
}

#[tokio::test]
async fn tls_spoken_to_a_port_without_it_says_so() {
    let place = Place::open().await;
    let connector = TlsConnector::new(place.options()).unwrap();
    let said = reason(dial(&connector, "localhost", place.plain_port()).await);
    assert!(said.contains("secureClientPort"), "{said}");
    // So does a server of another kind, which answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    });
    let said = reason(dial(&connector, "localhost", port).await);
    assert!(said.contains("the answer is not TLS"), "{said}");
    drop(answer);
}

#[tokio::test]
async fn a_client_without_tls_on_a_secure_port_says_so() {
    let place = Place::open().await;
    let connected = Client::builder(format!("localhost:{}", place.secure_port()))
        .connect_timeout(std::time::Duration::from_secs(1))
        .connect()
        .await;
    let Err(Error::Connect { reason }) = connected else { panic!("{connected:?}") };
    assert!(reason.contains("the server speaks TLS"), "{reason}");
}

#[tokio::test]
async fn the_name_that_was_typed_is_told_to_the_server() {
    let authority = Authority::new("authority");
    let own = authority.server(&["localhost", "127.0.0.1"]);
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let resolver = NamesSeen { key: certified_key(&own), seen: std::sync::Arc::clone(&seen) };
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(std::sync::Arc::new(resolver));
    let settings = TlsSettings::with_config(std::sync::Arc::new(config));
    let server = zk_server_lite::Server::builder()
        .secure_listen(crate::place::ANY_PORT, settings)
        .secure_only()
        .start()
        .await
        .unwrap();
    assert_eq!(server.local_addr(), None);
    let port = server.secure_local_addr().unwrap().port();
    let connector = TlsConnector::new(TlsOptions::ring().ca_pem(authority.pem())).unwrap();
    for host in ["localhost", "127.0.0.1"] {
        dial(&connector, host, port).await.unwrap();
    }
    // An address is none that could be told.
    assert_eq!(*seen.lock().unwrap(), [Some("localhost".to_owned()), None]);
}

#[tokio::test]
async fn a_configuration_of_ones_own_is_taken_as_it_is() {
    let place = Place::open().await;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(place.authority.pem()));
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::with_config(std::sync::Arc::new(config));
    dial(&connector, "localhost", place.secure_port()).await.unwrap();
}

#[derive(Debug)]
struct NamesSeen {
    key: std::sync::Arc<zk_client::rustls::sign::CertifiedKey>,
    seen: std::sync::Arc<std::sync::Mutex<Vec<Option<String>>>>,
}

impl zk_client::rustls::server::ResolvesServerCert for NamesSeen {
    fn resolve(
        &self,
        hello: zk_client::rustls::server::ClientHello<'_>,
    ) -> Option<std::sync::Arc<zk_client::rustls::sign::CertifiedKey>> {
        self.seen.lock().unwrap().push(hello.server_name().map(str::to_owned));
        Some(std::sync::Arc::clone(&self.key))
    }
}

fn certified_key(
    own: &zk_test_kit::Certified,
) -> std::sync::Arc<zk_client::rustls::sign::CertifiedKey> {
    use zk_client::rustls::pki_types::PrivateKeyDer;
    use zk_client::rustls::pki_types::pem::PemObject;
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let key = provider().key_provider.load_private_key(key).unwrap();
    let chain = certificates(&own.certificate);
    std::sync::Arc::new(zk_client::rustls::sign::CertifiedKey::new(chain, key))
}

fn certificates(pem: &str) -> Vec<zk_client::rustls::pki_types::CertificateDer<'static>> {
    use zk_client::rustls::pki_types::CertificateDer;
    use zk_client::rustls::pki_types::pem::PemObject;
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().unwrap()
}

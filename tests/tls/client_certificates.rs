//! Servers that want to know who connects.

use rcgen::DnType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use zk_client::{Acl, Client, Error, ErrorCode, Id, Permissions, TlsOptions};
use zk_server_lite::ClientAuth;
use zk_test_kit::{Authority, Certified};

use crate::place::{LIMIT, Place};

fn showing(place: &Place, own: &Certified) -> TlsOptions {
    place.options().client_certificate_pem(own.certificate.as_str(), own.key.as_str())
}

/// What ends a connection that was made, or not, with these options.
async fn refusal(place: &Place, options: TlsOptions) -> String {
    let mut stream = match place.dial(options).await {
        Ok(stream) => stream,
        Err(error) => return error.to_string(),
    };
    // With TLS 1.3 the server's word comes after the handshake.
    let _ = stream.write_all(b"ruok").await;
    let _ = stream.flush().await;
    let mut said = [0; 16];
    match timeout(LIMIT, stream.read(&mut said)).await.expect("neither answered nor refused") {
        Ok(length) => panic!("answered with {length} bytes"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_server_that_needs_certificates_lets_in_who_shows_a_good_one_only() {
    let place = Place::with(ClientAuth::Need, |builder| builder).await;
    let bob = place.authority.client("bob");
    let client = place.client(showing(&place, &bob)).await;
    client.create("/node", "data").await.unwrap();
    client.close().await.unwrap();

    let without = refusal(&place, place.options()).await;
    assert!(without.contains("wants a client certificate, and none is set"), "{without}");
    let stranger = Authority::new("stranger").client("bob");
    let unknown = refusal(&place, showing(&place, &stranger)).await;
    assert!(unknown.contains("does not accept our certificate"), "{unknown}");
    let expired = refusal(&place, showing(&place, &place.authority.expired(&[]))).await;
    assert!(expired.contains("does not accept our certificate"), "{expired}");
}

#[tokio::test]
async fn a_missing_certificate_is_what_a_failed_connect_tells() {
    let place = Place::with(ClientAuth::Need, |builder| builder).await;
    let builder = place.builder(place.options(), "");
    let connected = builder.connect_timeout(std::time::Duration::from_secs(1)).connect().await;
    let Err(Error::Connect { reason }) = connected else { panic!("{connected:?}") };
    assert!(reason.contains("TlsOptions::client_certificate_files"), "{reason}");
}

#[tokio::test]
async fn a_server_that_would_like_certificates_does_without_but_takes_no_bad_one() {
    let place = Place::with(ClientAuth::Want, |builder| builder).await;
    place.client(place.options()).await.close().await.unwrap();
    let bob = place.authority.client("bob");
    place.client(showing(&place, &bob)).await.close().await.unwrap();
    let stranger = Authority::new("stranger").client("bob");
    let unknown = refusal(&place, showing(&place, &stranger)).await;
    assert!(unknown.contains("does not accept our certificate"), "{unknown}");
}

#[tokio::test]
async fn a_server_that_wants_no_certificates_is_shown_none() {
    let place = Place::open().await;
    let stranger = Authority::new("stranger").client("bob");
    let client = place.client(showing(&place, &stranger)).await;
    assert_eq!(x509_ids(&client).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_certificate_is_an_identity_that_access_lists_can_name() {
    let place = Place::with(ClientAuth::Need, |builder| builder).await;
    let bob = place.client(showing(&place, &place.authority.client("bob"))).await;
    let eve = place.client(showing(&place, &place.authority.client("eve"))).await;
    assert_eq!(x509_ids(&bob).await, ["CN=bob"]);
    let id = Id { scheme: Some("x509".into()), id: Some("CN=bob".into()) };
    let acl = vec![Acl { perms: Permissions::ALL, id }];
    eve.create("/bobs", "secret").acl(acl).await.unwrap();
    assert_eq!(eve.get("/bobs").await.unwrap_err().code(), Some(ErrorCode::NoAuth));
    assert_eq!(bob.get("/bobs").await.unwrap().0, "secret");
    let (acl, _) = bob.get_acl("/bobs").await.unwrap();
    assert_eq!(acl[0].id.id.as_deref(), Some("CN=bob"));
}

#[tokio::test]
async fn the_super_user_may_be_known_by_a_certificate() {
    let place = Place::with(ClientAuth::Need, |builder| builder.x509_super_user("CN=root")).await;
    let bob = place.client(showing(&place, &place.authority.client("bob"))).await;
    let root = place.client(showing(&place, &place.authority.client("root"))).await;
    let id = Id { scheme: Some("x509".into()), id: Some("CN=bob".into()) };
    bob.create("/bobs", "secret").acl(vec![Acl { perms: Permissions::ALL, id }]).await.unwrap();
    assert_eq!(root.get("/bobs").await.unwrap().0, "secret");
}

#[tokio::test]
async fn a_subject_reads_as_java_writes_it() {
    let place = Place::with(ClientAuth::Need, |builder| builder).await;
    let uid = DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]);
    let title = DnType::CustomDnType(vec![2, 5, 4, 12]);
    let own = place.authority.client_of(&[
        (DnType::CountryName, "DE"),
        (DnType::OrganizationName, "Example, \"Inc.\" + Söhne"),
        (title, "Dr"),
        (uid, "b7"),
        (DnType::CommonName, "#bob "),
    ]);
    let client = place.client(showing(&place, &own)).await;
    let expected =
        "CN=\\#bob\\ ,UID=b7,2.5.4.12=#0c024472,O=Example\\, \\\"Inc.\\\" \\+ Söhne,C=DE";
    assert_eq!(x509_ids(&client).await, [expected]);
}

async fn x509_ids(client: &Client) -> Vec<String> {
    let infos = client.who_am_i().await.unwrap().into_iter();
    let own = infos.filter(|info| info.auth_scheme == "x509");
    own.map(|info| info.user.to_string()).collect()
}

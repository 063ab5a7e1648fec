//! What is secret stays so: neither logs nor `Debug` show credentials or what nodes hold.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::Level;
use zk_client::{Acl, Client, TlsConnector, Version};
use zk_server_lite::{ClientAuth, Server, TlsSettings};

use crate::place::{ANY_PORT, Place, provider};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

const PASSWORD: &str = "wHisKey-TanGo";
const DATA: &str = "hOtel-IndIa";
const OTHER_DATA: &str = "kIlo-LIma";

/// Each secret as text, as the list of its bytes and in hexadecimal.
fn assert_hides(shown: &str, what: &str) {
    for secret in [PASSWORD, DATA, OTHER_DATA] {
        let bytes = format!("{:?}", secret.as_bytes());
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for form in [secret, bytes.trim_matches(['[', ']']), &hex] {
            assert!(!shown.contains(form), "{what} shows {form}: {shown}");
        }
    }
}

#[tokio::test]
async fn the_log_of_a_whole_session_shows_no_secret_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // Of this thread, on which everything of this test runs.
    let _guard = tracing::subscriber::set_default(subscriber);

    let place = Place::with(ClientAuth::Want, |builder| builder).await;
    let bob = place.authority.client("bob");
    let options =
        place.options().client_certificate_pem(bob.certificate.as_str(), bob.key.as_str());
    let builder = place.builder(options, "").auth_digest("bob", PASSWORD);
    let client = builder.connect().await.unwrap();
    client.add_auth("digest", format!("eve:{PASSWORD}")).await.unwrap();
    client.create("/secret", DATA).acl(Acl::creator_all()).await.unwrap();
    let (_, changed) = client.get("/secret").watch().await.unwrap();
    client.set("/secret", OTHER_DATA).await.unwrap();
    changed.await.unwrap();
    place.server.drop_connections();
    assert_eq!(client.get("/secret").await.unwrap().0, OTHER_DATA);
    client.create("/secret", DATA).await.unwrap_err();
    let multi = client.multi().set("/secret", DATA, Version::ANY).create("/secret", DATA);
    multi.commit().await.unwrap_err();
    client.set("/none", DATA).await.unwrap_err();
    client.close().await.unwrap();

    let text = log.text();
    // It is a log, of both sides, and of the lowest level that there is.
    for part in ["dialling", "accepted"] {
        assert!(text.contains(part), "nothing of {part}: {text}");
    }
    assert_hides(&text, "the log");
    let key = bob.key.lines().nth(1).unwrap();
    assert!(!text.contains(key), "the log shows a key: {text}");
}

#[tokio::test]
async fn no_debug_output_shows_a_secret() {
    let place = Place::open().await;
    let builder = place.builder(place.options(), "").auth_digest("bob", PASSWORD);
    assert_hides(&format!("{builder:?}"), "the builder");
    let client = builder.connect().await.unwrap();
    for (what, shown) in debug_output(&client).await {
        assert_hides(&shown, what);
    }

    let own = place.authority.server(&["localhost"]);
    let settings = TlsSettings::pem(provider(), own.certificate.as_str(), own.key.as_str());
    let hash = "super:xQJmxLMiHGwaqBvst5y6rkB6HQs=";
    let server = Server::builder().super_digest(hash).secure_listen(ANY_PORT, settings);
    let shown = format!("{server:?} {:?} {:?}", place.server, place.server.memory());
    assert_hides(&shown, "the server");
    assert!(!shown.contains("xQJmxLMiHGwaqBvst5y6rkB6HQs"), "{shown}");
    let tls = TlsConnector::new(place.options()).unwrap();
    assert_hides(&format!("{tls:?}"), "the connector");
}

/// All that a user holds on the way to a node and back.
async fn debug_output(client: &Client) -> Vec<(&'static str, String)> {
    let mut shown = vec![
        ("the client", format!("{client:?}")),
        ("an identity", format!("{:?}", client.add_auth("digest", format!("bob:{PASSWORD}")))),
        ("a create", format!("{:?}", client.create("/a", DATA))),
        ("a protected create", format!("{:?}", client.create("/a", DATA).protected())),
        ("a set", format!("{:?}", client.set("/a", DATA))),
        ("an idempotent set", format!("{:?}", client.set("/a", DATA).idempotent())),
        ("a set or create", format!("{:?}", client.set_or_create("/a", DATA))),
        (
            "a multi",
            format!("{:?}", client.multi().create("/a", DATA).set("/a", DATA, Version::ANY)),
        ),
    ];
    let pending = client.create("/a", DATA).send();
    shown.push(("a reply to come", format!("{pending:?}")));
    pending.await.unwrap();
    let read = client.multi_read().get("/a").children("/").await.unwrap();
    shown.push(("a multi read", format!("{read:?}")));
    let children = client.children_with_data("/").await.unwrap();
    assert!(children.iter().any(|child| child.data == DATA));
    shown.push(("children with data", format!("{children:?}")));
    let (_, watch) = client.get("/a").watch().await.unwrap();
    shown.push(("a watch", format!("{watch:?}")));
    let refused = client.create("/a", DATA).await.unwrap_err();
    shown.push(("an error", format!("{refused:?} {refused}")));
    shown
}

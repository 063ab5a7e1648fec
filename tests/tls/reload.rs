//! Certificates that change while both sides run.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::sync::watch;
use zk_client::{
    Client, Connect, Connecting, CreateMode, Endpoint, SessionState, TcpConnector, TlsConnector,
    TlsError, TlsOptions,
};
use zk_server_lite::{ClientAuth, Server, TlsSettings};
use zk_test_kit::{Authority, Certified};

use crate::place::{ANY_PORT, Place, SESSION_TIMEOUT, TICK, dial, provider, reason};

/// A directory that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("zk-tls-{:016x}", fastrand::u64(..)));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn files_are_read_again_for_each_connection_on_both_sides() {
    let folder = Folder::new();
    let rotate = |authority: &Authority, name: &str| {
        folder.write("ca.pem", authority.pem());
        folder.write("server.pem", &authority.server(&["localhost"]).store());
        let Certified { certificate, key } = authority.client(name);
        folder.write("client.pem", &certificate);
        folder.write("client.key", &key);
    };
    rotate(&Authority::new("old"), "old");
    let server = server(&folder).await;
    let client = client(&folder, &server).await;
    client.create("/member", "").mode(CreateMode::Ephemeral).await.unwrap();
    let session = client.session_id();

    // Neither side trusts what the other had before.
    rotate(&Authority::new("new"), "new");
    server.drop_connections();
    let infos = client.who_am_i().await.unwrap();
    assert!(infos.iter().any(|info| info.user == "CN=new"), "{infos:?}");
    // And it is the same session.
    assert_eq!(client.session_id(), session);
    assert!(client.exists("/member").await.unwrap().is_some());
}

#[tokio::test]
async fn a_bad_file_fails_the_next_attempt_and_a_good_one_the_session_goes_on_with() {
    let folder = Folder::new();
    let authority = Authority::new("authority");
    folder.write("ca.pem", authority.pem());
    folder.write("server.pem", &authority.server(&["localhost"]).store());
    let Certified { certificate, key } = authority.client("bob");
    folder.write("client.pem", &certificate);
    folder.write("client.key", &key);
    let server = server(&folder).await;
    let (attempts, mut attempted) = watch::channel(0);
    let counting = Counting { transport: TcpConnector::default(), attempts };
    let client = client_over(&folder, &server, counting).await;
    let session = client.session_id();

    folder.write("ca.pem", "nothing of the kind");
    // The connection that is there does not care.
    client.create("/node", "").await.unwrap();
    let connector = TlsConnector::new(options(&folder));
    assert!(matches!(connector, Err(TlsError::Missing { .. })), "{connector:?}");

    server.drop_connections();
    // The second attempt comes when the first one has failed.
    let before = *attempted.borrow();
    attempted.wait_for(|attempts| *attempts >= before + 2).await.unwrap();
    assert!(matches!(*client.state().borrow(), SessionState::Disconnected { .. }));
    folder.write("ca.pem", authority.pem());
    assert!(client.exists("/node").await.unwrap().is_some());
    assert_eq!(client.session_id(), session);
}

#[tokio::test]
async fn a_file_that_goes_bad_is_named() {
    let folder = Folder::new();
    let place = Place::open().await;
    folder.write("ca.pem", place.authority.pem());
    let connector = TlsConnector::new(TlsOptions::ring().ca_file(folder.path("ca.pem"))).unwrap();
    dial(&connector, "localhost", place.secure_port()).await.unwrap();
    fs::remove_file(folder.path("ca.pem")).unwrap();
    let said = reason(dial(&connector, "localhost", place.secure_port()).await);
    assert!(said.contains("cannot read") && said.contains("ca.pem"), "{said}");
}

fn options(folder: &Folder) -> TlsOptions {
    TlsOptions::ring()
        .ca_file(folder.path("ca.pem"))
        .client_certificate_files(folder.path("client.pem"), folder.path("client.key"))
}

async fn client(folder: &Folder, server: &Server) -> Client {
    client_over(folder, server, TcpConnector::default()).await
}

async fn client_over(folder: &Folder, server: &Server, transport: impl Connect) -> Client {
    let port = server.secure_local_addr().unwrap().port();
    Client::builder(format!("localhost:{port}"))
        .connector(TlsConnector::new(options(folder)).unwrap().over(transport))
        .session_timeout(SESSION_TIMEOUT)
        .connect()
        .await
        .unwrap()
}

/// TCP, with a count of the attempts.
struct Counting {
    transport: TcpConnector,
    attempts: watch::Sender<usize>,
}

impl Connect for Counting {
    fn connect(&self, endpoint: &Endpoint) -> Connecting {
        self.attempts.send_modify(|attempts| *attempts += 1);
        self.transport.connect(endpoint)
    }
}

async fn server(folder: &Folder) -> Server {
    let store: &Path = &folder.path("server.pem");
    let settings = TlsSettings::files(provider(), store, store)
        .trust_file(folder.path("ca.pem"))
        .client_auth(ClientAuth::Need);
    let builder = Server::builder().tick_time(TICK).secure_listen(ANY_PORT, settings);
    builder.start().await.unwrap()
}

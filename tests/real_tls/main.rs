//! TLS with real ZooKeeper, in containers: whom it lets in, what is told of what it refuses, who a
//! client is by SASL within TLS, and that it writes names of certificates as zk-server-lite does.
//!
//! Only with `ZK_TEST_SERVER=container` and the feature `container`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

#[path = "../tls/identities.rs"]
mod identities;

use std::env;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use rcgen::DnType;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use zk_client::rustls::crypto::CryptoProvider;
use zk_client::{
    Acl, Client, ClientBuilder, CreateMode, Error, ErrorCode, Id, Permissions, TlsConnector,
    TlsOptions,
};
use zk_server_lite::{Server, TlsSettings};
use zk_test_kit::ensemble::engine_answers;
use zk_test_kit::run::required;
use zk_test_kit::{Authority, Certified, SecureServer};

use crate::identities::Ports;

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let wanted = env::var("ZK_TEST_SERVER").is_ok_and(|server| server == "container");
    if !wanted && !arguments.list {
        eprintln!("no real server without ZK_TEST_SERVER=container: no case is run");
    }
    let answers = wanted && runtime().block_on(engine_answers());
    if wanted && !answers && !arguments.list {
        eprintln!("no container engine answers: no case is run");
        if required() {
            return ExitCode::FAILURE;
        }
    }
    let trials = CASES.iter().map(|(name, case)| {
        let run = move || {
            runtime().block_on(async {
                // A task of its own, so that panics are its own too.
                match timeout(LIMIT, tokio::spawn(case())).await {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => std::panic::resume_unwind(error.into_panic()),
                    Err(_) => Err(format!("not over after {LIMIT:?}").into()),
                }
            })
        };
        Trial::test(*name, run).with_ignored_flag(!answers)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        const CASES: &[(&str, fn() -> Running)] =
            &[$( (stringify!($name), || Box::pin($name())) ),*];
    };
}

cases![
    a_server_that_wants_no_certificates_is_spoken_to_and_its_refusals_are_told,
    a_server_that_needs_certificates_knows_who_shows_one,
    with_tls_and_without_a_client_is_all_that_it_has_proven,
];

/// An authority that has signed everybody, and its server.
struct Place {
    authority: Authority,
    server: SecureServer,
}

impl Place {
    async fn start(client_auth: &str) -> Self {
        let authority = Authority::new("authority");
        let own = authority.server(&["localhost", "127.0.0.1"]);
        let server = SecureServer::start(&authority, &own, client_auth).await;
        Self { authority, server }
    }

    fn options(&self) -> TlsOptions {
        TlsOptions::ring().ca_pem(self.authority.pem())
    }

    fn showing(&self, own: &Certified) -> TlsOptions {
        self.options().client_certificate_pem(own.certificate.as_str(), own.key.as_str())
    }

    fn builder(&self, options: TlsOptions) -> ClientBuilder {
        secure(self.server.secure_port(), options)
    }

    async fn client(&self, options: TlsOptions) -> Client {
        self.builder(options).connect().await.unwrap()
    }
}

fn secure(port: u16, options: TlsOptions) -> ClientBuilder {
    Client::builder(format!("localhost:{port}"))
        .connector(TlsConnector::new(options).unwrap())
        .session_timeout(Duration::from_secs(4))
}

/// What a client is told that is not let in.
async fn refusal(builder: ClientBuilder) -> String {
    match builder.connect_timeout(Duration::from_secs(2)).connect().await {
        Err(Error::Connect { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

async fn a_server_that_wants_no_certificates_is_spoken_to_and_its_refusals_are_told() {
    let place = Place::start("none").await;
    serves(&place.client(place.options()).await).await;
    assert!(CryptoProvider::get_default().is_none());

    let stranger = TlsOptions::ring().ca_pem(Authority::new("stranger").pem());
    let said = refusal(place.builder(stranger)).await;
    assert!(said.contains("signed by none of the CAs given"), "{said}");
    let said = refusal(place.builder(place.options().server_name("zk1.example"))).await;
    assert!(said.contains("is not for zk1.example, it is for"), "{said}");
    let said = refusal(secure(place.server.plain_port(), place.options())).await;
    assert!(said.contains("secureClientPort"), "{said}");
    let plain = Client::builder(format!("localhost:{}", place.server.secure_port()));
    let said = refusal(plain).await;
    assert!(said.contains("TLS"), "{said}");
    place.server.stop().await;
}

async fn a_server_that_needs_certificates_knows_who_shows_one() {
    let place = Place::start("need").await;
    let bob = place.client(place.showing(&place.authority.client("bob"))).await;
    serves(&bob).await;
    let eve = place.client(place.showing(&place.authority.client("eve"))).await;
    let id = Id { scheme: Some("x509".into()), id: Some("CN=bob".into()) };
    let acl = vec![Acl { perms: Permissions::ALL, id }];
    eve.create("/bobs", "secret").acl(acl).await.unwrap();
    assert_eq!(eve.get("/bobs").await.unwrap_err().code(), Some(ErrorCode::NoAuth));
    assert_eq!(bob.get("/bobs").await.unwrap().0, "secret");

    let said = refusal(place.builder(place.options())).await;
    assert!(said.contains("wants a client certificate, and none is set"), "{said}");
    let stranger = Authority::new("stranger").client("bob");
    let said = refusal(place.builder(place.showing(&stranger))).await;
    assert!(said.contains("does not accept our certificate"), "{said}");

    names_are_written_alike(&place).await;
    place.server.stop().await;
}

async fn with_tls_and_without_a_client_is_all_that_it_has_proven() {
    let authority = Authority::new("authority");
    let own = authority.server(&["localhost", "127.0.0.1"]);
    let server =
        SecureServer::start_with_file(&authority, &own, WITH_USERS, (JAAS_FILE, JAAS)).await;
    let place = Place { authority, server };
    let ports = Ports {
        plain: place.server.plain_port(),
        secure: place.server.secure_port(),
        options: place.options(),
        showing: place.showing(&place.authority.client("eve")),
    };
    identities::each_pair_of_transport_and_proof_is_somebody_else(&ports).await;
    identities::a_wrong_password_is_refused_within_tls(&ports).await;
    place.server.stop().await;
}

/// Requests of all sizes, many at once.
async fn serves(client: &Client) {
    client.create("/served", "").mode(CreateMode::Ephemeral).await.unwrap();
    let large = vec![7; 1_000_000];
    client.set("/served", large.clone()).await.unwrap();
    assert!(client.get("/served").await.unwrap().0 == large);
    client.set("/served", vec![8; 4096]).await.unwrap();
    let gets: Vec<_> = (0..256).map(|_| client.get("/served").send()).collect();
    for get in gets {
        assert_eq!(get.await.unwrap().0.len(), 4096);
    }
}

/// The names that real ZooKeeper and zk-server-lite make of one certificate.
async fn names_are_written_alike(place: &Place) {
    let uid = DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]);
    let title = DnType::CustomDnType(vec![2, 5, 4, 12]);
    let own = place.authority.client_of(&[
        (DnType::CountryName, "DE"),
        (DnType::StateOrProvinceName, "A=B; <C>"),
        (DnType::OrganizationName, "Example, \"Inc.\" + Söhne"),
        (title, "Dr"),
        (uid, "b7"),
        (DnType::CommonName, "#bob\\ "),
    ]);
    let provider = std::sync::Arc::new(zk_client::rustls::crypto::ring::default_provider());
    let servers = place.authority.server(&["localhost"]);
    let settings = TlsSettings::pem(provider, servers.certificate.as_str(), servers.key.as_str())
        .trust_pem(place.authority.pem());
    let lite = Server::builder().secure_listen(([127, 0, 0, 1], 0).into(), settings);
    let lite = lite.start().await.unwrap();
    let lite_port = lite.secure_local_addr().unwrap().port();
    let beside = secure(lite_port, place.showing(&own)).connect().await.unwrap();
    let real = place.client(place.showing(&own)).await;
    let names = async |client: &Client| {
        let infos = client.who_am_i().await.unwrap().into_iter();
        let own = infos.filter(|info| info.auth_scheme == "x509");
        own.map(|info| info.user.to_string()).collect::<Vec<_>>()
    };
    let real = names(&real).await;
    assert_eq!(real.len(), 1);
    assert_eq!(names(&beside).await, real);
}

const LIMIT: Duration = Duration::from_secs(120);

const JAAS_FILE: &str = "/zk-jaas.conf";
const JAAS: &str = "Server {
    org.apache.zookeeper.server.auth.DigestLoginModule required
    user_bob=\"secret\";
};
";
const WITH_USERS: &str = "-Djava.security.auth.login.config=/zk-jaas.conf \
    -Dzookeeper.authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider \
    -Dzookeeper.fips-mode=false";

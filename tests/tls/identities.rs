//! TLS or none, SASL or none: who a client is then. Both for zk-server-lite and for real ZooKeeper.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use zk_client::{
    Acl, AuthFailure, Client, ClientBuilder, Error, ErrorCode, Id, Permissions, TlsConnector,
    TlsOptions,
};
use zk_test_kit::Network;
use zk_test_kit::server::dial_tcp;

/// A server with both kinds of port, that has the user `bob` of SASL with the password `secret`,
/// and would like to see certificates.
pub(crate) struct Ports {
    pub(crate) plain: u16,
    pub(crate) secure: u16,
    /// What to trust.
    pub(crate) options: TlsOptions,
    /// The same, with the certificate of `CN=eve` to show.
    pub(crate) showing: TlsOptions,
}

impl Ports {
    fn plain(&self) -> (Network, ClientBuilder) {
        let network = network(self.plain);
        let builder = Client::builder("localhost:1").connector(network.connector());
        (network, builder.session_timeout(SESSION_TIMEOUT))
    }

    fn secure(&self, options: &TlsOptions) -> (Network, ClientBuilder) {
        let network = network(self.secure);
        let connector = TlsConnector::new(options.clone()).unwrap().over(network.connector());
        let builder = Client::builder("localhost:1").connector(connector);
        (network, builder.session_timeout(SESSION_TIMEOUT))
    }
}

/// A client is all that it has proven, on every connection anew, and access lists keep the others
/// out.
pub(crate) async fn each_pair_of_transport_and_proof_is_somebody_else(ports: &Ports) {
    let bob = |builder: ClientBuilder| builder.sasl_digest_md5("bob", "secret");
    let zoe = |builder: ClientBuilder| builder.auth_digest("zoe", "pw");
    let nothing: fn(ClientBuilder) -> ClientBuilder = |builder| builder;
    let all = async |(network, builder): (Network, ClientBuilder), expected: &[&str]| {
        let client = builder.connect().await.unwrap();
        for _ in 0..2 {
            assert_eq!(identities(&client).await, expected);
            network.cut();
        }
        client
    };
    let with =
        |change: &dyn Fn(ClientBuilder) -> ClientBuilder,
         (network, builder): (Network, ClientBuilder)| (network, change(builder));

    let plain = all(with(&nothing, ports.plain()), &[]).await;
    let plain_bob = all(with(&bob, ports.plain()), &["sasl bob"]).await;
    let secure = all(with(&nothing, ports.secure(&ports.options)), &[]).await;
    let secure_bob = all(with(&bob, ports.secure(&ports.options)), &["sasl bob"]).await;
    let eve = all(with(&nothing, ports.secure(&ports.showing)), &["x509 CN=eve"]).await;
    let everybody = with(&zoe, with(&bob, ports.secure(&ports.showing)));
    let expected = ["digest zoe", "sasl bob", "x509 CN=eve"];
    let everybody = all(everybody, &expected).await;

    for (path, scheme, id) in [("/of-bob", "sasl", "bob"), ("/of-eve", "x509", "CN=eve")] {
        let owner = Id { scheme: Some(scheme.into()), id: Some(id.into()) };
        let acl = vec![Acl::new(Permissions::ALL, owner)];
        plain.create(path, scheme).acl(acl).await.unwrap();
        for (client, may) in [
            (&plain, false),
            (&secure, false),
            (&plain_bob, scheme == "sasl"),
            (&secure_bob, scheme == "sasl"),
            (&eve, scheme == "x509"),
            (&everybody, true),
        ] {
            match client.get(path).await {
                Ok((data, _)) => assert!(may && data == scheme, "{path}"),
                Err(error) => assert!(!may && error.code() == Some(ErrorCode::NoAuth), "{error}"),
            }
        }
    }
}

/// TLS makes no difference to what is said of a wrong password, and a certificate is no way around
/// it.
pub(crate) async fn a_wrong_password_is_refused_within_tls(ports: &Ports) {
    for options in [&ports.options, &ports.showing] {
        let (_, builder) = ports.secure(options);
        let refused = builder.sasl_digest_md5("bob", "wrong").connect().await;
        let reason = AuthFailure::SaslRefused;
        assert_eq!(refused.unwrap_err(), Error::AuthFailed { reason });
    }
}

/// Who the server knows a client as, beside its address.
async fn identities(client: &Client) -> Vec<String> {
    let known = client.who_am_i().await.unwrap().into_iter();
    let known = known.filter(|known| known.auth_scheme != "ip");
    let mut identities: Vec<_> =
        known.map(|known| format!("{} {}", known.auth_scheme, known.user)).collect();
    identities.sort();
    identities
}

fn network(port: u16) -> Network {
    Network::new(dial_tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
}

const SESSION_TIMEOUT: Duration = Duration::from_secs(4);

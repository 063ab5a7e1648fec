//! The servers: each with the users `bob`, `zoe` and `root`, who may do everything.

use std::env;

use zk_client::{Client, ClientBuilder};
use zk_server_lite::{Server, ServerBuilder};
use zk_test_kit::Network;
use zk_test_kit::server::{SESSION_TIMEOUT, TICK, dial_memory, dial_tcp};

use crate::Demand;

/// Where servers come from.
pub(crate) enum Sites {
    /// Ours, one for each case.
    Embedded { tcp: bool },
    /// One of each kind, for all cases.
    #[cfg(feature = "container")]
    Real(Vec<(Demand, zk_test_kit::RealServer)>),
}

/// A server, and the way to it.
pub(crate) struct Site {
    pub(crate) network: Network,
    /// Kept for as long as the case lasts.
    _server: Option<Server>,
}

impl Sites {
    /// Those that `ZK_TEST_SERVER` names.
    pub(crate) async fn find() -> Option<Self> {
        match env::var("ZK_TEST_SERVER").as_deref() {
            Err(_) | Ok("" | "memory") => Some(Self::Embedded { tcp: false }),
            Ok("tcp") => Some(Self::Embedded { tcp: true }),
            #[cfg(feature = "container")]
            Ok("container") => real().await,
            Ok(other) => {
                eprintln!("{other} cannot be given users of SASL");
                None
            }
        }
    }

    pub(crate) const fn have_virtual_time(&self) -> bool {
        matches!(self, Self::Embedded { tcp: false })
    }

    pub(crate) async fn open(&self, demand: Demand) -> Site {
        match self {
            Self::Embedded { tcp: false } => {
                let server = embedded(demand).memory_only().start().await.unwrap();
                Site { network: Network::new(dial_memory(&server)), _server: Some(server) }
            }
            Self::Embedded { tcp: true } => {
                let server = embedded(demand).start().await.unwrap();
                let dial = dial_tcp(server.local_addr().unwrap());
                Site { network: Network::new(dial), _server: Some(server) }
            }
            #[cfg(feature = "container")]
            Self::Real(servers) => {
                let (_, server) = servers.iter().find(|(kind, _)| *kind == demand).unwrap();
                let address = server.connect_string().parse().unwrap();
                Site { network: Network::new(dial_tcp(address)), _server: None }
            }
        }
    }

    #[cfg_attr(
        not(feature = "container"),
        expect(clippy::unused_async, reason = "only containers take their time")
    )]
    pub(crate) async fn stop(self) {
        #[cfg(feature = "container")]
        if let Self::Real(servers) = self {
            for (_, server) in servers {
                server.stop().await;
            }
        }
    }
}

impl Site {
    /// A client that is nobody.
    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder("a:1").connector(self.network.connector()).session_timeout(SESSION_TIMEOUT)
    }

    pub(crate) async fn client(&self, user: &str, password: &str) -> Client {
        self.builder().sasl_digest_md5(user, password).connect().await.unwrap()
    }
}

fn embedded(demand: Demand) -> ServerBuilder {
    let plain = Server::builder().tick_time(TICK);
    let users = || {
        let bob = plain.clone().sasl_user("bob", "secret");
        bob.sasl_user(ZOE, ZOE_S_PASSWORD).sasl_user("root", "secret").sasl_super_user("root")
    };
    match demand {
        Demand::NoUsers => plain,
        Demand::Nothing => users(),
        Demand::Sasl => users().enforce_auth(["sasl"]),
    }
}

#[cfg(feature = "container")]
async fn real() -> Option<Sites> {
    use zk_test_kit::RealServer;
    use zk_test_kit::ensemble::engine_answers;

    if !engine_answers().await {
        eprintln!("no container engine answers");
        return None;
    }
    let mut servers = Vec::new();
    for (demand, flags) in [
        (Demand::NoUsers, ""),
        (Demand::Nothing, WITH_USERS),
        (Demand::Sasl, WITH_USERS_AND_DEMAND),
    ] {
        let server = RealServer::start_with_file(flags, (JAAS_FILE, JAAS)).await;
        servers.push((demand, server));
    }
    Some(Sites::Real(servers))
}

/// A name and a password with characters of ISO 8859-1.
pub(crate) const ZOE: &str = "zo\u{eb}";
pub(crate) const ZOE_S_PASSWORD: &str = "g\u{e9}heim \"x\"";

#[cfg(feature = "container")]
const JAAS_FILE: &str = "/zk-jaas.conf";
#[cfg(feature = "container")]
const JAAS: &str = "Server {
    org.apache.zookeeper.server.auth.DigestLoginModule required
    user_bob=\"secret\"
    user_zo\u{eb}=\"g\u{e9}heim \\\"x\\\"\"
    user_root=\"secret\";
};
";
#[cfg(feature = "container")]
const WITH_USERS: &str = "-Djava.security.auth.login.config=/zk-jaas.conf -Dfile.encoding=UTF-8 \
    -Dzookeeper.authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider \
    -Dzookeeper.fips-mode=false -Dzookeeper.superUser=root";
#[cfg(feature = "container")]
const WITH_USERS_AND_DEMAND: &str = "-Djava.security.auth.login.config=/zk-jaas.conf \
    -Dfile.encoding=UTF-8 \
    -Dzookeeper.authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider \
    -Dzookeeper.fips-mode=false -Dzookeeper.superUser=root \
    -Dzookeeper.sessionRequireClientSASLAuth=true";

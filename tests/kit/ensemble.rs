//! Three real servers that elect a leader, and can be cut off from each other.
//!
//! Each is on two networks: on one it has its published port for clients, on the other it speaks
//! to its peers. So a server can lose its peers and keep its clients, which is where a client's
//! beliefs are put to the test.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::time::Duration;

use testcontainers::ImageExt;
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::{
    EndpointIpamConfig, EndpointSettings, Ipam, IpamConfig, NetworkConnectRequest,
    NetworkCreateRequest, NetworkDisconnectRequest,
};
use tokio::time::{sleep, timeout};

use crate::container::{self, START_LIMIT};
use crate::real_server::RealServer;

/// An ensemble with a quorum.
#[derive(Debug)]
pub struct Ensemble {
    servers: Vec<RealServer>,
    docker: Docker,
    /// The network on which the servers speak to each other.
    peers: String,
    /// What the addresses on it begin with.
    subnet: [u8; 3],
    /// Those that are not on it.
    cut_off: Mutex<BTreeSet<usize>>,
}

impl Ensemble {
    /// Starts three servers, and waits until one of them leads the two others.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// The same, with further lines of `zoo.cfg`, separated by blanks.
    pub async fn start_with(settings: &str) -> Self {
        let docker = Docker::connect_with_defaults().unwrap();
        let suffix = format!("{:08x}", fastrand::u32(..));
        let (peers, clients) = (format!("zk-peers-{suffix}"), format!("zk-clients-{suffix}"));
        let subnet = create_network(&docker, &peers).await;
        let cut_off = Mutex::default();
        let mut ensemble = Self { servers: Vec::new(), docker, peers, subnet, cut_off };
        for id in 1..=SERVERS {
            let request = container::request(&container::image())
                .with_network(&clients)
                .with_env_var("ZOO_MY_ID", id.to_string())
                .with_env_var("ZOO_SERVERS", members(subnet))
                .with_env_var("ZOO_INIT_LIMIT", "30")
                .with_env_var("ZOO_SYNC_LIMIT", "5")
                .with_env_var("ZOO_CFG_EXTRA", format!("{CONFIGURATION} {settings}"))
                // Without it a server that has lost its quorum would not serve at all.
                .with_env_var("JVMFLAGS", "-Dreadonlymode.enabled=true -Xmx128m");
            let server = RealServer::launch(request).await;
            ensemble.servers.push(server);
            ensemble.join(id - 1).await;
        }
        ensemble.until_quorum(SERVERS).await;
        ensemble
    }

    /// The servers, in the order of their ids.
    #[must_use]
    pub fn servers(&self) -> &[RealServer] {
        &self.servers
    }

    /// All of them, for a connect string.
    #[must_use]
    pub fn connect_string(&self) -> String {
        let hosts: Vec<_> = self.servers.iter().map(RealServer::connect_string).collect();
        hosts.join(",")
    }

    /// The index of the server that leads; `None` while nobody does.
    pub async fn leader(&self) -> Option<usize> {
        self.with_mode("leader").await.first().copied()
    }

    /// The indices of those that follow.
    pub async fn followers(&self) -> Vec<usize> {
        self.with_mode("follower").await
    }

    async fn with_mode(&self, wanted: &str) -> Vec<usize> {
        let mut found = Vec::new();
        for (index, server) in self.servers.iter().enumerate() {
            if server.mode().await.as_deref() == Some(wanted) {
                found.push(index);
            }
        }
        found
    }

    /// Waits until one leads, and so many serve altogether.
    pub async fn until_quorum(&self, count: usize) {
        let formed = async {
            while self.leader().await.is_none() || self.followers().await.len() + 1 < count {
                sleep(Duration::from_millis(50)).await;
            }
        };
        let formed = timeout(START_LIMIT, formed).await;
        assert!(formed.is_ok(), "no quorum of {count} after {START_LIMIT:?}");
    }

    /// Refuses connections of clients to all servers but one, or to none any more.
    pub fn refuse_others(&self, index: usize, refuse: bool) {
        for (other, server) in self.servers.iter().enumerate() {
            server.proxy().refuse(refuse && other != index);
        }
    }

    /// Cuts a server off from the others. Its clients still reach it.
    pub async fn cut_off(&self, index: usize) {
        let container = self.id_of(index);
        let request = NetworkDisconnectRequest { container, force: Some(true) };
        self.docker.disconnect_network(&self.peers, request).await.unwrap();
        self.cut_off.lock().unwrap().insert(index);
    }

    /// Lets it speak to the others, again or for the first time.
    pub async fn join(&self, index: usize) {
        let address = EndpointIpamConfig {
            ipv4_address: Some(address(self.subnet, index + 1).to_string()),
            ..Default::default()
        };
        let endpoint = EndpointSettings { ipam_config: Some(address), ..Default::default() };
        let request =
            NetworkConnectRequest { container: self.id_of(index), endpoint_config: Some(endpoint) };
        self.docker.connect_network(&self.peers, request).await.unwrap();
        self.cut_off.lock().unwrap().remove(&index);
    }

    /// Undoes what a test that failed has left: everybody is reached by everybody.
    pub async fn heal(&self) {
        let cut_off = self.cut_off.lock().unwrap().clone();
        for index in cut_off {
            self.join(index).await;
        }
        for server in &self.servers {
            server.proxy().refuse(false);
            server.proxy().silence(false);
        }
    }

    fn id_of(&self, index: usize) -> String {
        self.servers.get(index).unwrap().id().to_owned()
    }

    /// Removes the containers and their network.
    pub async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
        if let Err(error) = self.docker.remove_network(&self.peers).await {
            eprintln!("the network {} is left behind: {error}", self.peers);
        }
    }
}

/// Whether containers can be had at all.
pub async fn engine_answers() -> bool {
    match Docker::connect_with_defaults() {
        Ok(docker) => docker.ping().await.is_ok(),
        Err(_) => false,
    }
}

/// Makes a network on which addresses can be chosen, and says what they begin with. Names would be
/// known on the clients' network as well.
async fn create_network(docker: &Docker, name: &str) -> [u8; 3] {
    loop {
        let subnet = [10, fastrand::u8(128..), fastrand::u8(..)];
        let [a, b, c] = subnet;
        let range = IpamConfig { subnet: Some(format!("{a}.{b}.{c}.0/24")), ..Default::default() };
        let ipam = Ipam { config: Some(vec![range]), ..Default::default() };
        let create =
            NetworkCreateRequest { name: name.into(), ipam: Some(ipam), ..Default::default() };
        match docker.create_network(create).await {
            Ok(_) => return subnet,
            Err(error) if error.to_string().contains("overlaps") => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Where the others find a server.
fn address([a, b, c]: [u8; 3], id: usize) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, 10 + u8::try_from(id).unwrap())
}

fn members(subnet: [u8; 3]) -> String {
    let member = |id| format!("server.{id}={}:2888:3888;2181", address(subnet, id));
    let members: Vec<_> = (1..=SERVERS).map(member).collect();
    members.join(" ")
}

const SERVERS: usize = 3;

/// A server has its address only once it is on the network.
const CONFIGURATION: &str = "quorumListenOnAllIPs=true extendedTypesEnabled=true";

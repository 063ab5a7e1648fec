//! Names, resolvers and addresses, through the client.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::duplex;
use tokio::sync::mpsc;
use tokio::time::Instant;
use zk_client::{
    Client, Connect, ConnectAttempts, Connecting, Endpoint, Error, HostPort, Stream, resolve_with,
};

use crate::peer::Peer;

/// Dials addresses: those that are up give a pipe, others refuse.
struct Addresses {
    up: Arc<Mutex<Vec<SocketAddr>>>,
    dialled: Arc<Mutex<Vec<Endpoint>>>,
    arrivals: mpsc::Sender<Peer>,
}

impl Connect for Addresses {
    fn connect(&self, endpoint: &Endpoint) -> Connecting {
        self.dialled.lock().unwrap().push(endpoint.clone());
        let address = endpoint.address.expect("an address was asked for");
        let up = self.up.lock().unwrap().contains(&address);
        let arrivals = self.arrivals.clone();
        Box::pin(async move {
            if !up {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = duplex(4096);
            arrivals.send(Peer::new(theirs)).await.map_err(io::Error::other)?;
            Ok(Box::new(ours) as Box<dyn Stream>)
        })
    }

    fn wants_addresses(&self) -> bool {
        true
    }
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 2181))
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_with_another_address_is_found() {
    let up = Arc::new(Mutex::new(vec![address(1)]));
    let (sender, mut arrivals) = mpsc::channel(4);
    let connector = Addresses { up: Arc::clone(&up), dialled: Arc::default(), arrivals: sender };
    let pod = Arc::clone(&up);
    let resolver = resolve_with(move |_: HostPort| {
        let addresses = pod.lock().unwrap().clone();
        async move { Ok(addresses) }
    });
    let builder = Client::builder("zk-0.zk").connector(connector).resolver(resolver);
    let (client, peer) = tokio::join!(builder.connect(), grant(&mut arrivals));
    let client = client.unwrap();
    up.lock().unwrap()[0] = address(2);
    drop(peer);
    let peer = grant(&mut arrivals).await;
    client.state().wait_for(|state| state.is_connected()).await.unwrap();
    drop((client, peer));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_hangs_does_not_hold_up_one_that_is_there() {
    let (sender, mut arrivals) = mpsc::channel(4);
    let up = Arc::new(Mutex::new(vec![address(1)]));
    let connector = Addresses { up, dialled: Arc::default(), arrivals: sender };
    let resolver = resolve_with(|host: HostPort| async move {
        if host.host == "hangs" {
            std::future::pending::<()>().await;
        }
        if host.host == "fails" {
            return Err(io::Error::other("no such host"));
        }
        Ok(vec![address(1)])
    });
    let start = Instant::now();
    let builder = Client::builder("hangs,fails,works").connector(connector).resolver(resolver);
    let (client, peer) = tokio::join!(builder.connect(), grant(&mut arrivals));
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    drop((client.unwrap(), peer));
}

#[tokio::test(start_paused = true)]
async fn one_round_of_attempts_dials_every_address_once_and_fails() {
    let (sender, _arrivals) = mpsc::channel(4);
    let dialled = Arc::<Mutex<Vec<Endpoint>>>::default();
    let connector =
        Addresses { up: Arc::default(), dialled: Arc::clone(&dialled), arrivals: sender };
    let resolver = resolve_with(|host: HostPort| async move {
        match host.host.as_str() {
            "zk1" => Ok(vec![address(1), address(2)]),
            "zk2" => Ok(vec![address(3)]),
            _ => Err(io::Error::other("no such host")),
        }
    });
    let start = Instant::now();
    let builder = Client::builder("zk1,zk2,zk3").connector(connector).resolver(resolver);
    let error = builder.connect_attempts(ConnectAttempts::OneRound).connect().await.unwrap_err();
    assert_eq!(error, Error::Connect { reason: "connection refused".into() });
    let mut addresses: Vec<_> = dialled.lock().unwrap().iter().map(|e| e.address).collect();
    addresses.sort();
    assert_eq!(addresses, [1, 2, 3].map(|last| Some(address(last))));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn names_that_are_not_there_yet_are_asked_for_until_the_deadline() {
    let (sender, _arrivals) = mpsc::channel(4);
    let connector = Addresses { up: Arc::default(), dialled: Arc::default(), arrivals: sender };
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let resolver = resolve_with(move |_: HostPort| {
        counting.fetch_add(1, Ordering::Relaxed);
        async { Err(io::Error::other("no such host")) }
    });
    let builder = Client::builder("zk1").connector(connector).resolver(resolver);
    let error = builder.connect_timeout(Duration::from_secs(20)).connect().await.unwrap_err();
    let reason = "zk1:2181 was not resolved: no such host".into();
    assert_eq!(error, Error::Connect { reason });
    let asked = asked.load(Ordering::Relaxed);
    assert!((6..=20).contains(&asked), "asked {asked} times: pauses grow to some seconds");
}

async fn grant(arrivals: &mut mpsc::Receiver<Peer>) -> Peer {
    let mut peer = arrivals.recv().await.unwrap();
    peer.handshake().await;
    peer.grant().await;
    peer
}

//! A stable address in front of a server on TCP, with switches for what can go wrong on the way.
//!
//! For clients that need a real address, of whatever make, and for servers whose own address
//! changes: a container that is started again has another port. Clients of ours that may bring
//! their own connector are better off with [`Network`](crate::Network), which counts as well.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Hands bytes on between clients and one server. All ends with it.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    faults: Arc<watch::Sender<Faults>>,
    accepting: JoinHandle<()>,
    /// Bound and never listening: it keeps the port ours while connections are refused.
    _reserve: TcpSocket,
}

/// What is wrong at present.
#[derive(Clone, Copy, Debug)]
struct Faults {
    target: SocketAddr,
    refuse: bool,
    /// Connections with a lower number are cut.
    cut_below: u64,
    next_connection: u64,
    to_server: Way,
    to_client: Way,
}

/// One direction.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    held: bool,
    delay: Duration,
}

impl FaultProxy {
    /// Begins to accept connections for the server at `target`, without faults.
    ///
    /// Needs a runtime, whose tasks it lives in.
    #[must_use]
    pub fn start(target: SocketAddr) -> Self {
        let reserve = socket(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = reserve.local_addr().unwrap();
        let faults = Arc::new(watch::Sender::new(Faults {
            target,
            refuse: false,
            cut_below: 0,
            next_connection: 0,
            to_server: Way::default(),
            to_client: Way::default(),
        }));
        let listener = listen(address).unwrap();
        let accepting = tokio::spawn(accept(Some(listener), address, Arc::clone(&faults)));
        Self { address, faults, accepting, _reserve: reserve }
    }

    /// Where clients connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands new connections to another server from now on.
    pub fn retarget(&self, target: SocketAddr) {
        self.faults.send_modify(|faults| faults.target = target);
    }

    /// Breaks all present connections.
    pub fn cut(&self) {
        self.faults.send_modify(|faults| faults.cut_below = faults.next_connection);
    }

    /// Refuses new connections, or accepts them again.
    pub fn refuse(&self, refuse: bool) {
        self.faults.send_modify(|faults| faults.refuse = refuse);
    }

    /// Keeps back everything both ways, or lets it pass again: connections stay open and say
    /// nothing.
    pub fn silence(&self, silent: bool) {
        self.hold_to_server(silent);
        self.hold_to_client(silent);
    }

    /// Keeps back what clients send, or lets it pass again.
    pub fn hold_to_server(&self, held: bool) {
        self.faults.send_modify(|faults| faults.to_server.held = held);
    }

    /// Keeps back what the server sends, or lets it pass again: for the server the connection is
    /// as good as ever.
    pub fn hold_to_client(&self, held: bool) {
        self.faults.send_modify(|faults| faults.to_client.held = held);
    }

    /// Lets what is read from now on arrive so much later, each way.
    pub fn delay(&self, delay: Duration) {
        self.faults.send_modify(|faults| {
            faults.to_server.delay = delay;
            faults.to_client.delay = delay;
        });
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.faults.borrow().next_connection
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(
    mut listener: Option<TcpListener>,
    address: SocketAddr,
    faults: Arc<watch::Sender<Faults>>,
) {
    let mut changes = faults.subscribe();
    loop {
        let refuse = changes.borrow_and_update().refuse;
        if refuse {
            listener = None;
        } else if listener.is_none() {
            listener = Some(listen(address).unwrap());
        }
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The sender is in this very task.
            _ = changes.changed() => {}
            accepted = accepted => {
                if let Ok((client, _)) = accepted {
                    let number = number_of(&faults);
                    tokio::spawn(connect(client, number, Arc::clone(&faults)));
                }
            }
        }
    }
}

fn number_of(faults: &watch::Sender<Faults>) -> u64 {
    let mut number = 0;
    faults.send_modify(|faults| {
        number = faults.next_connection;
        faults.next_connection += 1;
    });
    number
}

/// One connection, until either side ends it or it is cut.
async fn connect(client: TcpStream, number: u64, faults: Arc<watch::Sender<Faults>>) {
    let target = faults.borrow().target;
    let mut changes = faults.subscribe();
    let cut = changes.wait_for(|faults| number < faults.cut_below);
    let handed_on = async {
        let server = TcpStream::connect(target).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::try_join!(
            pump(from_client, to_server, faults.subscribe(), |faults| faults.to_server),
            pump(from_server, to_client, faults.subscribe(), |faults| faults.to_client),
        )
    };
    // However it ends, both sockets are closed.
    tokio::select! {
        _ = cut => {}
        _ = handed_on => {}
    }
}

/// Hands on what comes until the end, which is handed on too.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut faults: watch::Receiver<Faults>,
    way: impl Fn(&Faults) -> Way,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        let due = Instant::now() + way(&faults.borrow()).delay;
        sleep_until(due).await;
        let open = faults.wait_for(|faults| !way(faults).held).await;
        open.map_err(|_| io::ErrorKind::ConnectionAborted)?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(buffer.get(..length).unwrap_or_default()).await?;
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    socket(address)?.listen(BACKLOG)
}

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

const BACKLOG: u32 = 1024;

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;

    /// Sends back what it gets.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.into_split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    async fn is_refused(address: SocketAddr) -> bool {
        let connected = TcpStream::connect(address).await;
        connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    }

    async fn say(stream: &mut TcpStream, word: &[u8]) -> io::Result<Vec<u8>> {
        stream.write_all(word).await?;
        let mut answer = vec![0; word.len()];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn bytes_pass_until_the_connection_is_cut() {
        let proxy = FaultProxy::start(echo().await);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"ping").await.unwrap(), b"ping");
        proxy.cut();
        assert!(say(&mut stream, b"ping").await.is_err());
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"again").await.unwrap(), b"again");
        assert_eq!(proxy.accepted(), 2);
    }

    #[tokio::test]
    async fn a_refused_connection_is_refused_and_the_port_stays_ours() {
        let proxy = FaultProxy::start(echo().await);
        let mut stays = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(say(&mut stays, b"here").await.unwrap(), b"here");
        proxy.refuse(true);
        // The listener has yet to hear of it, and one that was accepted meanwhile is reset.
        while !is_refused(proxy.address()).await {
            yield_now().await;
        }
        assert!(TcpListener::bind(proxy.address()).await.is_err());
        assert_eq!(say(&mut stays, b"still").await.unwrap(), b"still");
        proxy.refuse(false);
        let mut stream = loop {
            match TcpStream::connect(proxy.address()).await {
                Ok(stream) => break stream,
                Err(_) => yield_now().await,
            }
        };
        assert_eq!(say(&mut stream, b"back").await.unwrap(), b"back");
    }

    #[tokio::test]
    async fn what_is_held_arrives_later_and_in_order() {
        let proxy = FaultProxy::start(echo().await);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"one").await.unwrap(), b"one");
        proxy.hold_to_client(true);
        stream.write_all(b"two").await.unwrap();
        let mut answer = [0; 6];
        let patience = Duration::from_millis(50);
        assert!(timeout(patience, stream.read_exact(&mut answer)).await.is_err());
        stream.write_all(b"six").await.unwrap();
        proxy.hold_to_client(false);
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"twosix");
    }

    #[tokio::test]
    async fn what_is_delayed_takes_that_long_each_way() {
        let proxy = FaultProxy::start(echo().await);
        let delay = Duration::from_millis(30);
        proxy.delay(delay);
        let begin = Instant::now();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"slow").await.unwrap(), b"slow");
        assert!(begin.elapsed() >= delay * 2);
    }

    #[tokio::test]
    async fn the_next_connection_goes_to_the_new_target() {
        let proxy = FaultProxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(say(&mut stream, b"nobody").await.is_err());
        proxy.retarget(echo().await);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(say(&mut stream, b"here").await.unwrap(), b"here");
    }
}

//! A line to a server on which every byte is late by the same time.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use zk_client::Client;

use crate::Failure;
use crate::samples::Samples;

/// It is served as long as the runtime lives on which it was opened.
pub(super) struct SlowLine {
    /// Where clients connect to.
    pub(super) address: String,
}

impl SlowLine {
    pub(super) async fn open(server: &str, delay: Duration) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        tokio::spawn(accept(listener, server.to_owned(), delay));
        Ok(Self { address })
    }

    /// How long a request and its reply take.
    pub(super) async fn round_trip(&self) -> Result<Duration, Failure> {
        let client = Client::connect(&*self.address).await?;
        let mut took = Samples::default();
        for _ in 0..20 {
            let from = Instant::now();
            client.exists("/").await?;
            took.push(from.elapsed().as_secs_f64());
        }
        client.close().await?;
        Ok(Duration::from_secs_f64(took.median()))
    }
}

async fn accept(listener: TcpListener, server: String, delay: Duration) -> io::Result<()> {
    loop {
        let (client, _) = listener.accept().await?;
        let server = TcpStream::connect(&server).await?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
        }
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        carry(from_client, to_server, delay);
        carry(from_server, to_client, delay);
    }
}

fn carry(from: OwnedReadHalf, to: OwnedWriteHalf, delay: Duration) {
    let (pass_on, chunks) = mpsc::channel(CHUNKS);
    tokio::spawn(read(from, pass_on, delay));
    tokio::spawn(write(to, chunks));
}

type Chunk = (Instant, Vec<u8>);

async fn read(mut from: OwnedReadHalf, pass_on: mpsc::Sender<Chunk>, delay: Duration) {
    let mut bytes = vec![0; CHUNK];
    // A connection that breaks has ended, too.
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        let chunk = bytes.get(..length).unwrap_or_default().to_vec();
        if pass_on.send((Instant::now() + delay, chunk)).await.is_err() {
            return;
        }
    }
}

async fn write(mut to: OwnedWriteHalf, mut chunks: mpsc::Receiver<Chunk>) -> io::Result<()> {
    while let Some((due, chunk)) = chunks.recv().await {
        sleep_until(due).await;
        to.write_all(&chunk).await?;
    }
    to.shutdown().await
}

/// How much is on the line at most; more waits in the socket.
const CHUNKS: usize = 1024;
const CHUNK: usize = 64 * 1024;

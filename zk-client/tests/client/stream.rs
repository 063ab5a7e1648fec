//! Streams that users bring.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, BufWriter, DuplexStream, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::Instant;
use zk_client::{Client, HostPort, Reply, connect_with};
use zk_proto::OpCode;
use zk_proto::message::GetDataResponse;

use crate::peer::Peer;

/// A stream that keeps what is written until it is flushed, as TLS may.
struct Buffered(BufWriter<DuplexStream>);

impl AsyncRead for Buffered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Buffered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A stream that sends a request while the driver is on its way to sleep, as another thread might.
struct Meddler {
    stream: DuplexStream,
    client: Arc<Mutex<Option<Client>>>,
    late: Option<Reply<()>>,
}

impl AsyncRead for Meddler {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Meddler {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    /// The driver has taken all there was to be written when it flushes.
    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let client = self.client.lock().unwrap().take();
        let Some(client) = client else {
            return Poll::Ready(Ok(()));
        };
        self.late = Some(client.sync("/late").send());
        Poll::Pending
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_not_slept_over() {
    let (dialled, mut arrivals) = mpsc::channel(1);
    let meddling = Arc::new(Mutex::new(None));
    let connector = connect_with({
        let meddling = Arc::clone(&meddling);
        move |_: HostPort| {
            let dialled = dialled.clone();
            let client = Arc::clone(&meddling);
            async move {
                let (stream, theirs) = tokio::io::duplex(4096);
                dialled.send(theirs).await.map_err(io::Error::other)?;
                Ok::<_, io::Error>(Meddler { stream, client, late: None })
            }
        }
    });
    let client = tokio::spawn(Client::builder("zk").connector(connector).connect());
    let mut peer = Peer::new(arrivals.recv().await.unwrap());
    peer.handshake().await;
    peer.grant().await;
    let client = client.await.unwrap().unwrap();
    let start = Instant::now();
    *meddling.lock().unwrap() = Some(client.clone());
    let _early = client.sync("/early").send();
    assert_eq!(peer.ops().await, [OpCode::Sync, OpCode::Sync]);
    assert_eq!(start.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_written_is_flushed() {
    let (dialled, mut arrivals) = mpsc::channel(1);
    let connector = connect_with(move |_: HostPort| {
        let dialled = dialled.clone();
        async move {
            let (ours, theirs) = tokio::io::duplex(4096);
            dialled.send(theirs).await.map_err(io::Error::other)?;
            Ok::<_, io::Error>(Buffered(BufWriter::new(ours)))
        }
    });
    let start = Instant::now();
    let client = tokio::spawn(Client::builder("zk").connector(connector).connect());
    let mut peer = Peer::new(arrivals.recv().await.unwrap());
    peer.handshake().await;
    peer.grant().await;
    let client = client.await.unwrap().unwrap();
    let read = client.get("/a").send();
    let (xid, _) = peer.request().await;
    peer.reply(xid, &GetDataResponse::default()).await;
    read.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 0);
}

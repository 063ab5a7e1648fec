//! The way from a client to a server, with switches for what can go wrong on it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zk_client::{Connect, Connecting, HostPort, Stream, connect_with};
use zk_proto::Xid;

/// Opens connections to the server under test, whatever host is asked for.
pub type Dial = Arc<dyn Fn() -> Connecting + Send + Sync>;

/// A way to the server. Each client that is to have faults of its own gets one of its own.
///
/// Host names mean nothing but themselves: `a:1,b:2` are two ways to the same server, which can
/// be cut one by one.
#[derive(Clone)]
pub struct Network {
    dial: Dial,
    links: Arc<Mutex<Links>>,
}

#[derive(Default)]
struct Links {
    refused: Vec<String>,
    hold_incoming: bool,
    hold_outgoing: bool,
    /// The connection breaks at this request, counted like [`Counts::requests`].
    cut_at: Option<(usize, Moment)>,
    /// Streams with a lower number are cut.
    cut_below: u64,
    next_stream: u64,
    dialled: Vec<String>,
    counts: Counts,
    wakers: Vec<Waker>,
}

/// When, with regard to one request, a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It never reaches the server.
    BeforeSending,
    /// The server carries it out, and its reply is lost.
    BeforeReply,
}

/// What has passed, over all connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames to the server, without handshakes and pings.
    pub requests: usize,
    /// Pings to the server.
    pub pings: usize,
    /// Watch events from the server.
    pub events: usize,
    /// Bytes of the longest frame to the server, without its length.
    pub longest: usize,
}

impl Network {
    /// A way without faults.
    #[must_use]
    pub fn new(dial: Dial) -> Self {
        Self { dial, links: Arc::default() }
    }

    /// For [`zk_client::ClientBuilder::connector`].
    pub fn connector(&self) -> impl Connect {
        let network = self.clone();
        connect_with(move |host: HostPort| {
            let network = network.clone();
            async move { network.connect(&host.host).await }
        })
    }

    async fn connect(&self, host: &str) -> io::Result<FaultyStream> {
        self.change(|links| links.dialled.push(host.to_owned()));
        if self.links.lock().unwrap().refused.iter().any(|refused| refused == host) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let inner = (self.dial)().await?;
        let number = self.change(|links| {
            links.next_stream += 1;
            links.next_stream
        });
        Ok(FaultyStream {
            inner,
            links: Arc::clone(&self.links),
            number,
            incoming: Meter::default(),
            outgoing: Meter::default(),
        })
    }

    /// Breaks all present connections.
    pub fn cut(&self) {
        self.change(|links| links.cut_below = links.next_stream + 1);
    }

    /// Breaks the connection once, at the request after the next `skip` ones. What is written
    /// together with it shares its fate.
    pub fn cut_at_request(&self, skip: usize, moment: Moment) {
        self.change(|links| links.cut_at = Some((links.counts.requests + skip + 1, moment)));
    }

    /// Whether the cut that was ordered is still to come.
    #[must_use]
    pub fn is_cut_pending(&self) -> bool {
        self.links.lock().unwrap().cut_at.is_some()
    }

    /// Lets new connections to a host fail, or succeed again.
    pub fn refuse(&self, host: &str, refused: bool) {
        self.change(|links| {
            links.refused.retain(|known| known != host);
            if refused {
                links.refused.push(host.to_owned());
            }
        });
    }

    /// Keeps back what the server sends, or lets it pass again.
    pub fn hold_incoming(&self, hold: bool) {
        self.change(|links| links.hold_incoming = hold);
    }

    /// Keeps back what the client sends, or lets it pass again.
    pub fn hold_outgoing(&self, hold: bool) {
        self.change(|links| links.hold_outgoing = hold);
    }

    /// Keeps back everything both ways, or lets it pass again: a link that is silent, not cut.
    pub fn silence(&self, silent: bool) {
        self.change(|links| {
            links.hold_incoming = silent;
            links.hold_outgoing = silent;
        });
    }

    /// What has passed so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.links.lock().unwrap().counts
    }

    /// The hosts that were dialled so far.
    #[must_use]
    pub fn dialled(&self) -> Vec<String> {
        self.links.lock().unwrap().dialled.clone()
    }

    fn change<R>(&self, change: impl FnOnce(&mut Links) -> R) -> R {
        let mut links = self.links.lock().unwrap();
        let result = change(&mut links);
        let wakers = std::mem::take(&mut links.wakers);
        drop(links);
        wakers.into_iter().for_each(Waker::wake);
        result
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

struct FaultyStream {
    inner: Box<dyn Stream>,
    links: Arc<Mutex<Links>>,
    number: u64,
    incoming: Meter,
    outgoing: Meter,
}

impl FaultyStream {
    /// Waits while the direction is held; fails when the connection is cut.
    fn poll_open(
        &self,
        cx: &Context<'_>,
        held: impl FnOnce(&Links) -> bool,
    ) -> Poll<io::Result<()>> {
        let mut links = self.links.lock().unwrap();
        if self.number < links.cut_below {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        // Also when the stream itself is not ready: a cut must wake it.
        if !links.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            links.wakers.push(cx.waker().clone());
        }
        if held(&links) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl FaultyStream {
    /// Cuts all connections if, with so many more requests, it is the moment to.
    fn is_cut_at(&self, more: usize, now: Moment) -> bool {
        let mut links = self.links.lock().unwrap();
        let reached = links.counts.requests + more;
        let due = links.cut_at.is_some_and(|(at, moment)| reached >= at && moment == now);
        if due {
            links.cut_at = None;
            links.cut_below = links.next_stream + 1;
            links.wakers.drain(..).for_each(Waker::wake);
        }
        due
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx, |links| links.hold_incoming))?;
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let read = buf.filled().get(before..).unwrap_or_default();
        let this = &mut *self;
        this.incoming.feed(read, |xid, _| {
            if xid == Xid::NOTIFICATION {
                this.links.lock().unwrap().counts.events += 1;
            }
        });
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx, |links| links.hold_outgoing))?;
        let mut ahead = self.outgoing.clone();
        let mut requests = 0;
        ahead.feed(buf, |xid, _| requests += usize::from(xid != Xid::PING));
        if self.is_cut_at(requests, Moment::BeforeSending) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        let this = &mut *self;
        this.outgoing.feed(buf.get(..written).unwrap_or_default(), |xid, length| {
            let counts = &mut this.links.lock().unwrap().counts;
            counts.longest = counts.longest.max(length);
            if xid == Xid::PING {
                counts.pings += 1;
            } else {
                counts.requests += 1;
            }
        });
        self.is_cut_at(0, Moment::BeforeReply);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Finds the xid and length of each frame behind the handshake, in bytes that come in any pieces.
#[derive(Clone, Default)]
struct Meter {
    /// Bytes of the present frame's length and xid.
    head: Vec<u8>,
    /// Bytes of the present frame that are left, once its length is known.
    left: usize,
    handshake_done: bool,
}

impl Meter {
    fn feed(&mut self, bytes: &[u8], mut found: impl FnMut(Xid, usize)) {
        for byte in bytes {
            if self.left > 0 {
                self.left -= 1;
            }
            if self.head.len() < HEAD {
                self.head.push(*byte);
                self.read_head(&mut found);
            }
            if self.head.len() >= LENGTH && self.left == 0 {
                self.head.clear();
                self.handshake_done = true;
            }
        }
    }

    fn read_head(&mut self, found: &mut impl FnMut(Xid, usize)) {
        match self.head.as_slice() {
            [a, b, c, d] => {
                let length = u32::from_be_bytes([*a, *b, *c, *d]);
                self.left = usize::try_from(length).unwrap();
            }
            [_, _, _, _, a, b, c, d] if self.handshake_done => {
                // The xid is the first part of the frame that is not left any more.
                found(Xid(i32::from_be_bytes([*a, *b, *c, *d])), self.left + HEAD - LENGTH);
            }
            _ => {}
        }
    }
}

const LENGTH: usize = 4;
const HEAD: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_finds_every_frame_however_the_bytes_are_cut() {
        let mut wire = vec![0, 0, 0, 6, 9, 9, 9, 9, 9, 9];
        for (xid, length) in [(1, 8), (-1, 30), (2, 4), (-2, 8)] {
            wire.extend_from_slice(&u32::to_be_bytes(length));
            wire.extend_from_slice(&i32::to_be_bytes(xid));
            wire.extend(std::iter::repeat_n(7, usize::try_from(length).unwrap() - 4));
        }
        for piece in 1..wire.len() {
            let mut meter = Meter::default();
            let mut found = Vec::new();
            for bytes in wire.chunks(piece) {
                meter.feed(bytes, |xid, length| found.push((xid.0, length)));
            }
            assert_eq!(found, [(1, 8), (-1, 30), (2, 4), (-2, 8)], "in pieces of {piece}");
        }
    }
}

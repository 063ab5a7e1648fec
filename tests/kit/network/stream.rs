//! One connection on the way to a server, as the faults of its network let it be.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zk_client::Stream;
use zk_proto::{SessionId, Xid, Zxid};

use super::meter::{Found, Meter};
use super::{Links, Moment, Network};

pub(super) struct FaultyStream {
    inner: Box<dyn Stream>,
    network: Network,
    number: u64,
    incoming: Meter,
    outgoing: Meter,
    /// Requests and replies of this connection, without handshakes, pings and events.
    requests: usize,
    replies: usize,
    /// At which of the replies it breaks.
    cut_at_reply: Option<(usize, Moment)>,
    /// Whether it breaks as soon as anything is asked of it.
    is_breaking: bool,
}

impl FaultyStream {
    pub(super) fn new(inner: Box<dyn Stream>, network: Network, number: u64) -> Self {
        Self {
            inner,
            network,
            number,
            incoming: Meter::default(),
            outgoing: Meter::default(),
            requests: 0,
            replies: 0,
            cut_at_reply: None,
            is_breaking: false,
        }
    }

    /// Waits while the direction is held; fails when the connection is cut.
    fn poll_open(
        &self,
        cx: &Context<'_>,
        held: impl FnOnce(&Links) -> bool,
    ) -> Poll<io::Result<()>> {
        if self.is_breaking {
            return Poll::Ready(Err(self.break_now()));
        }
        let mut links = self.network.links.lock().unwrap();
        if self.number < links.cut_below {
            return Poll::Ready(Err(broken()));
        }
        // Also when the stream itself is not ready: a cut must wake it.
        if !links.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            links.wakers.push(cx.waker().clone());
        }
        if held(&links) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    /// Cuts all connections, as it was ordered.
    fn break_now(&self) -> io::Error {
        let mut links = self.network.links.lock().unwrap();
        if self.number >= links.cut_below {
            links.cut_at = None;
            links.cut_below = links.next_stream + 1;
            let wakers = std::mem::take(&mut links.wakers);
            let on_cut = links.on_cut.clone();
            drop(links);
            if let Some(on_cut) = on_cut {
                on_cut();
            }
            wakers.into_iter().for_each(Waker::wake);
        }
        broken()
    }

    /// How much of what is to be written may be: up to the request that is not to be sent.
    fn allowed(&self, buf: &[u8]) -> usize {
        let links = self.network.links.lock().unwrap();
        let Some((at, Moment::BeforeSending)) = links.cut_at else {
            return buf.len();
        };
        let (mut requests, mut allowed) = (links.counts.requests, buf.len());
        drop(links);
        self.outgoing.clone().feed(buf, |found| {
            if let Found::Frame { start, xid, .. } = found
                && xid != Xid::PING
            {
                requests += 1;
                if requests == at {
                    allowed = start;
                }
            }
        });
        allowed
    }

    fn note_written(&mut self, written: &[u8]) {
        let mut handshake = None;
        let mut links = self.network.links.lock().unwrap();
        self.outgoing.feed(written, |found| match found {
            Found::Handshake(head) => handshake = zxid_of(head),
            Found::Frame { xid: Xid::PING, .. } => links.counts.pings += 1,
            Found::Frame { length, .. } => {
                links.counts.longest = links.counts.longest.max(length);
                links.counts.requests += 1;
                self.requests += 1;
                if let Some((at, moment)) = links.cut_at
                    && at == links.counts.requests
                    && moment != Moment::BeforeSending
                {
                    self.cut_at_reply = Some((self.requests, moment));
                }
            }
        });
        let on_handshake = links.on_handshake.clone();
        drop(links);
        if let (Some(seen), Some(on_handshake)) = (handshake, on_handshake) {
            on_handshake(seen);
        }
    }

    /// How much of what was read arrives, and whether the connection breaks behind it.
    fn arriving(&self, read: &[u8]) -> (usize, bool) {
        let Some((at, moment)) = self.cut_at_reply else {
            return (read.len(), false);
        };
        let (mut replies, mut cut) = (self.replies, None);
        self.incoming.clone().feed(read, |found| {
            if let Found::Frame { start, xid, length } = found
                && xid != Xid::PING
                && xid != Xid::NOTIFICATION
            {
                replies += 1;
                if replies == at {
                    cut = Some(match moment {
                        Moment::AfterReply => start + LENGTH + length,
                        Moment::MidReply => start + LENGTH + length / 2,
                        Moment::BeforeSending | Moment::BeforeReply => start,
                    });
                }
            }
        });
        // What lies beyond this piece is lost with the next one.
        cut.map_or((read.len(), false), |cut| (cut.min(read.len()), true))
    }

    fn note_read(&mut self, read: &[u8]) {
        let mut links = self.network.links.lock().unwrap();
        self.incoming.feed(read, |found| match found {
            Found::Handshake(head) => links.session = session_of(head).or(links.session),
            Found::Frame { xid: Xid::NOTIFICATION, .. } => links.counts.events += 1,
            Found::Frame { xid: Xid::PING, .. } => {}
            Found::Frame { .. } => self.replies += 1,
        });
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
        let (arriving, breaks) = self.arriving(read);
        self.is_breaking = breaks;
        if breaks && arriving == 0 {
            buf.set_filled(before);
            return Poll::Ready(Err(self.break_now()));
        }
        self.note_read(read.get(..arriving).unwrap_or_default());
        buf.set_filled(before + arriving);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx, |links| {
            let is_behind = |behind| links.counts.requests >= behind;
            links.hold_outgoing || links.hold_behind.is_some_and(is_behind)
        }))?;
        let allowed = self.allowed(buf);
        if allowed == 0 && !buf.is_empty() {
            return Poll::Ready(Err(self.break_now()));
        }
        let buf = buf.get(..allowed).unwrap_or_default();
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        self.note_written(buf.get(..written).unwrap_or_default());
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

fn broken() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

/// `ConnectRequest`: the version, then the last zxid seen.
fn zxid_of(head: &[u8]) -> Option<Zxid> {
    let bytes = head.get(4..12)?.try_into().ok()?;
    Some(Zxid(i64::from_be_bytes(bytes)))
}

/// `ConnectResponse`: the version and the timeout, then the session; 0 is a refusal.
fn session_of(head: &[u8]) -> Option<SessionId> {
    let bytes = head.get(8..16)?.try_into().ok()?;
    Some(SessionId(i64::from_be_bytes(bytes))).filter(|session| *session != SessionId::NONE)
}

const LENGTH: usize = 4;

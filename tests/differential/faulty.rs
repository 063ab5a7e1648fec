//! A way to a server that changes what it says: a check that finds nothing there is worth nothing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zk_client::{Connecting, Stream};
use zk_proto::frame::{put_frame, take_frame};
use zk_test_kit::network::Dial;

/// What is done to a frame from the server: it is changed, or swallowed.
pub(crate) type Fault = fn(&mut BytesMut) -> bool;

/// The same way with a fault.
pub(crate) fn faulty(dial: &Dial, fault: Fault) -> Dial {
    let dial = Arc::clone(dial);
    Arc::new(move || -> Connecting {
        let inner = dial();
        Box::pin(async move {
            let inner = inner.await?;
            let (read, ready) = (BytesMut::new(), BytesMut::new());
            Ok(Box::new(Faulty { inner, fault, read, ready }) as Box<dyn Stream>)
        })
    })
}

/// Every second change of data tells a version too high.
pub(crate) fn wrong_version(frame: &mut BytesMut) -> bool {
    let at = HEADER + VERSION_IN_STAT;
    if frame.len() == HEADER + STAT && frame[at..at + 4] == 2_i32.to_be_bytes() {
        frame[at..at + 4].copy_from_slice(&3_i32.to_be_bytes());
    }
    true
}

/// Nobody hears of a deletion.
pub(crate) fn no_deletion(frame: &mut BytesMut) -> bool {
    let is_event = frame.starts_with(&(-1_i32).to_be_bytes());
    !(is_event && frame.len() > HEADER + 4 && frame[HEADER..HEADER + 4] == 2_i32.to_be_bytes())
}

struct Faulty {
    inner: Box<dyn Stream>,
    fault: Fault,
    /// From the server.
    read: BytesMut,
    /// For the client.
    ready: BytesMut,
}

impl AsyncRead for Faulty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.ready.is_empty() {
            let mut chunk = [0; 4096];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.read.extend_from_slice(chunk.filled());
            while let Some(frame) = take_frame(&mut this.read, usize::MAX).unwrap() {
                let mut frame = changed(frame);
                if (this.fault)(&mut frame) {
                    put_frame(&mut this.ready, |out| out.extend_from_slice(&frame));
                }
            }
        }
        let length = this.ready.len().min(buf.remaining());
        buf.put_slice(&this.ready[..length]);
        this.ready.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

fn changed(frame: Bytes) -> BytesMut {
    BytesMut::from(frame)
}

const HEADER: usize = 16;
const STAT: usize = 68;
const VERSION_IN_STAT: usize = 32;

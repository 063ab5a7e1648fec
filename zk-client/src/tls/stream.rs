//! An open connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client;

use super::explain::Circumstances;
use crate::transport::Stream;

/// Bytes over TLS, with errors that tell what to do.
pub(super) struct TlsStream {
    inner: client::TlsStream<Box<dyn Stream>>,
    circumstances: Circumstances,
}

impl TlsStream {
    pub(super) const fn new(
        inner: client::TlsStream<Box<dyn Stream>>,
        circumstances: Circumstances,
    ) -> Self {
        Self { inner, circumstances }
    }

    /// What has really broken a connection that cannot be written to: a server that has refused
    /// our certificate says so and hangs up, and the one may be seen before the other.
    fn reason_of_write_error(&mut self, cx: &mut Context<'_>, error: io::Error) -> io::Error {
        let mut scrap = [0; 1];
        let mut scrap = ReadBuf::new(&mut scrap);
        match Pin::new(&mut self.inner).poll_read(cx, &mut scrap) {
            Poll::Ready(Err(alert)) if alert.kind() == io::ErrorKind::InvalidData => {
                self.circumstances.of_session(alert)
            }
            Poll::Ready(_) | Poll::Pending => self.circumstances.of_session(error),
        }
    }

    fn explained<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        written.map_err(|error| self.reason_of_write_error(cx, error))
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.inner).poll_read(cx, buf)) {
            // An end without a word of farewell is an end: frames have lengths, so nothing that is
            // cut off passes for whole.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(self.circumstances.of_session(error))),
            Ok(()) => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.explained(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.explained(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Says farewell (`close_notify`) if that can be written at once. Nobody waits for it.
impl Drop for TlsStream {
    fn drop(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut self.inner).poll_shutdown(&mut cx);
    }
}

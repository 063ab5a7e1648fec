//! How a server is set up.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use thiserror::Error;

use crate::engine::EngineOptions;
use crate::server::Server;

/// Sets up a [`Server`]; see [`Server::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing runs before start"]
pub struct ServerBuilder {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) max_frame: usize,
    tick_time: Duration,
    min_session_timeout: Option<Duration>,
    max_session_timeout: Option<Duration>,
}

/// Why a server did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A tick is shorter than a millisecond.
    #[error("a tick must last at least a millisecond")]
    TickTooShort,
    /// The shortest session timeout is longer than the longest one.
    #[error("the shortest session timeout, {min:?}, is above the longest, {max:?}")]
    SessionTimeouts {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
}

impl Default for ServerBuilder {
    fn default() -> Self {
        Self {
            listen: Some((Ipv4Addr::LOCALHOST, 0).into()),
            max_frame: zk_proto::frame::DEFAULT_MAX_FRAME,
            tick_time: Duration::from_millis(3000),
            min_session_timeout: None,
            max_session_timeout: None,
        }
    }
}

impl ServerBuilder {
    /// Where to listen for TCP connections; port 0 takes a free one. Default `127.0.0.1:0`.
    pub const fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// No TCP at all: only [`Server::memory`] lets clients in. Nothing outside of the runtime is
    /// waited for then, so tests can pause the clock.
    pub const fn memory_only(mut self) -> Self {
        self.listen = None;
        self
    }

    /// The unit of session timeouts: sessions expire in whole ticks. At least a millisecond;
    /// default 3 s (`tickTime`).
    pub const fn tick_time(mut self, tick: Duration) -> Self {
        self.tick_time = tick;
        self
    }

    /// The shortest session timeout a client can get. Default two ticks (`minSessionTimeout`).
    pub const fn min_session_timeout(mut self, timeout: Duration) -> Self {
        self.min_session_timeout = Some(timeout);
        self
    }

    /// The longest session timeout a client can get. Default twenty ticks (`maxSessionTimeout`).
    pub const fn max_session_timeout(mut self, timeout: Duration) -> Self {
        self.max_session_timeout = Some(timeout);
        self
    }

    /// The longest frame to accept from a client, in bytes. Default
    /// [`DEFAULT_MAX_FRAME`](zk_proto::frame::DEFAULT_MAX_FRAME) (`jute.maxbuffer`).
    pub const fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// Starts the server on the present tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the times make no sense.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its timer (and, unless
    /// [`memory_only`](Self::memory_only), its IO driver) switched on.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub async fn start(self) -> Result<Server, StartError> {
        Server::start(self).await
    }

    /// Checks the times.
    pub(crate) fn engine_options(
        &self,
    ) -> Result<impl FnOnce(u64) -> EngineOptions + use<>, StartError> {
        let tick_ms = u64::try_from(self.tick_time.as_millis()).unwrap_or(u64::MAX);
        if tick_ms == 0 {
            return Err(StartError::TickTooShort);
        }
        let min = self.min_session_timeout.unwrap_or_else(|| self.tick_time.saturating_mul(2));
        let max = self.max_session_timeout.unwrap_or_else(|| self.tick_time.saturating_mul(20));
        if min > max {
            return Err(StartError::SessionTimeouts { min, max });
        }
        Ok(move |session_id_seed_ms| EngineOptions {
            tick_ms,
            min_session_timeout_ms: millis(min),
            max_session_timeout_ms: millis(max),
            session_id_seed_ms,
        })
    }
}

/// Timeouts are 32-bit milliseconds on the wire.
fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

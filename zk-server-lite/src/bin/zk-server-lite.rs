//! A ZooKeeper-compatible standalone server in memory.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use zk_server_lite::{Server, ServerBuilder};

/// A ZooKeeper-compatible standalone server in memory.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Options {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:2181")]
    listen: SocketAddr,
    /// Unit of session expiry, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 3000)]
    tick_time: u64,
    /// Shortest session timeout, in milliseconds [default: two ticks]
    #[arg(long, value_name = "MS")]
    min_session_timeout: Option<u64>,
    /// Longest session timeout, in milliseconds [default: twenty ticks]
    #[arg(long, value_name = "MS")]
    max_session_timeout: Option<u64>,
    /// Longest request to accept, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = zk_proto::frame::DEFAULT_MAX_FRAME)]
    jute_maxbuffer: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "stopped");
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal comes.
async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    // Before the server starts, so that no signal is missed.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let server = options.builder().start().await?;
    tracing::info!(address = server.connect_string(), "listening");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("shutting down");
    server.shutdown().await;
    Ok(())
}

impl Options {
    fn builder(&self) -> ServerBuilder {
        let mut builder = Server::builder()
            .listen(self.listen)
            .tick_time(Duration::from_millis(self.tick_time))
            .max_frame(self.jute_maxbuffer);
        if let Some(timeout) = self.min_session_timeout {
            builder = builder.min_session_timeout(Duration::from_millis(timeout));
        }
        if let Some(timeout) = self.max_session_timeout {
            builder = builder.max_session_timeout(Duration::from_millis(timeout));
        }
        builder
    }
}

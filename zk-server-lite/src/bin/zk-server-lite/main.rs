//! A ZooKeeper-compatible standalone server in memory.

mod arguments;
#[cfg(feature = "sasl")]
mod jaas;
mod keys;
mod properties;
#[cfg(feature = "tls-ring")]
mod secure;
mod settings;

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use arguments::Arguments;
use settings::{Notice, Settings};

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "stopped");
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal comes.
async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let settings = settings(arguments)?;
    // Before the server starts, so that no signal is missed.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let server = settings.into_builder()?.start().await?;
    if server.local_addr().is_some() {
        tracing::info!(address = server.connect_string(), "listening");
    }
    #[cfg(feature = "tls-ring")]
    if let Some(address) = server.secure_local_addr() {
        tracing::info!(%address, "listening for TLS");
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("shutting down");
    server.shutdown().await;
    Ok(())
}

/// The file's settings, and the flags' over them.
fn settings(arguments: Arguments) -> Result<Settings, Box<dyn Error>> {
    let mut settings = Settings::default();
    if let Some(path) = arguments.config {
        let text = read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let notices = settings.set_all(&text);
        let notices = notices.map_err(|error| format!("{}: {error}", path.display()))?;
        for Notice { key, why } in notices {
            tracing::warn!(key, why, "this setting has no effect");
        }
    }
    for (key, flag, value) in arguments.settings {
        settings.set(key, &value).map_err(|error| format!("{flag}: {error}"))?;
    }
    #[cfg(feature = "sasl")]
    if let Some(path) = arguments.jaas_config {
        let text = read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let users = jaas::users(&text);
        settings.add_users(&users.map_err(|error| format!("{}: {error}", path.display()))?);
    }
    if let Some(address) = arguments.listen {
        settings.listen(address);
    }
    Ok(settings)
}

/// The text of a file that is no larger than a file of settings can be.
fn read(path: &Path) -> Result<String, Box<dyn Error>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len())? > LONGEST_FILE {
        return Err(format!("longer than {LONGEST_FILE} bytes").into());
    }
    // Only a comment has anything else in it, as a rule.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Far more than all keys with their values take, in bytes.
const LONGEST_FILE: u64 = 1024 * 1024;

//! Asks a server whether it takes writes, on a connection of its own.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::transport::Connecting;

/// Whether the server answers to the four letter word `isro` that it is writable, in time.
pub(crate) async fn is_writable(connecting: Connecting, within: Duration) -> bool {
    matches!(timeout(within, ask(connecting)).await, Ok(Ok(answer)) if answer == WRITABLE)
}

async fn ask(connecting: Connecting) -> io::Result<Vec<u8>> {
    let mut stream = connecting.await?;
    stream.write_all(IS_READ_ONLY).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(answer)
}

const IS_READ_ONLY: &[u8] = b"isro";
/// Anything else, as the refusal of a server that does not answer this word, is not.
const WRITABLE: &[u8] = b"rw";
/// More than any server says.
const LONGEST_ANSWER: u64 = 256;

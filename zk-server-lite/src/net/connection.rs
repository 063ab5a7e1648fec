//! The task of one connection: moves bytes between a stream and the engine.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};

use crate::engine::ConnId;

use super::client_cnxns::Place;
use super::four_letter::{Opening, opening};
use super::hub::{Fed, Hub, OUTBOX_PAUSE};
use super::outbox::{Fate, Outbox};

/// Serves a client until one side hangs up.
pub(super) async fn serve<S>(
    hub: Arc<Hub>,
    conn: ConnId,
    outbox: Arc<Outbox>,
    stream: S,
    place: Option<Place>,
) where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (reader, writer) = split(stream);
    let mut connection = Connection {
        hub: &hub,
        conn,
        outbox: &outbox,
        reader,
        writer,
        inbox: BytesMut::new(),
        sending: BytesMut::new(),
        unflushed: false,
        stage: Stage::Opening,
    };
    let end = connection.pump().await;
    // Before the farewell, which may take a while: the watches go now, and another may come.
    hub.close(conn);
    drop(place);
    match end {
        Ok(()) => connection.farewell().await,
        Err(error) => tracing::debug!(conn = conn.0, %error, "connection ended"),
    }
}

struct Connection<'a, S> {
    hub: &'a Arc<Hub>,
    conn: ConnId,
    outbox: &'a Outbox,
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    inbox: BytesMut,
    sending: BytesMut,
    /// Whether the stream may still keep something that was written to it, as TLS does.
    unflushed: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It may still be a four letter word.
    Opening,
    /// Whatever is in the inbox is less than a frame.
    Idle,
    /// There are frames that wait until replies are gone.
    Backlog,
}

impl<S: AsyncRead + AsyncWrite> Connection<'_, S> {
    /// Runs until the engine wants an orderly end; an error is any other end.
    async fn pump(&mut self) -> io::Result<()> {
        loop {
            let (fate, unsent) = self.outbox.take(&mut self.sending);
            match fate {
                Fate::Open => {}
                Fate::Finish => return Ok(()),
                Fate::Cut => return Err(io::ErrorKind::TimedOut.into()),
            }
            let room = unsent < OUTBOX_PAUSE;
            if room && self.stage == Stage::Backlog {
                self.feed()?;
                continue;
            }
            make_room(&mut self.inbox);
            let flushing = self.sending.is_empty();
            tokio::select! {
                biased;
                () = self.outbox.changed() => {}
                pushed = push_on(&mut self.writer, &mut self.sending),
                    if !flushing || self.unflushed =>
                {
                    pushed?;
                    self.unflushed = !flushing;
                    if self.sending.is_empty() {
                        // Lets go of the engine's buffer, which is then used again.
                        self.sending = BytesMut::new();
                    }
                }
                read = self.reader.read_buf(&mut self.inbox), if room => {
                    if read? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    if self.stage == Stage::Opening && self.open() {
                        return Ok(());
                    }
                    if self.stage != Stage::Opening {
                        self.feed()?;
                    }
                }
            }
        }
    }

    /// Looks at the first bytes; true when a four letter word was answered.
    fn open(&mut self) -> bool {
        match opening(&self.inbox) {
            Opening::TooShort => false,
            Opening::Frame => {
                self.stage = Stage::Idle;
                false
            }
            Opening::Word(word) => {
                let rest = self.inbox.get(4..).unwrap_or_default();
                if let Some(answer) = self.hub.answer(self.conn, word, rest) {
                    self.sending.extend_from_slice(answer.as_bytes());
                }
                true
            }
        }
    }

    fn feed(&mut self) -> io::Result<()> {
        self.stage = match self.hub.feed(self.conn, &mut self.inbox) {
            Ok(Fed::All) => Stage::Idle,
            Ok(Fed::Paused) => Stage::Backlog,
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        };
        Ok(())
    }

    /// Sends the rest and hangs up. What the client still sends is read and thrown away, or the
    /// system would reset the connection and the client might lose the last reply.
    async fn farewell(&mut self) {
        let orderly = async {
            self.writer.write_all_buf(&mut self.sending).await?;
            let _ = self.outbox.take(&mut self.sending);
            self.writer.write_all_buf(&mut self.sending).await?;
            self.writer.shutdown().await?;
            self.inbox = BytesMut::with_capacity(READ_CHUNK);
            while self.reader.read_buf(&mut self.inbox).await? > 0 {
                self.inbox.clear();
            }
            io::Result::Ok(())
        };
        let _ = tokio::time::timeout(FAREWELL, orderly).await;
    }
}

/// Writes a part of what there is to send; when there is nothing, sees to it that what was written
/// leaves.
///
/// # Cancel safety
/// Nothing is lost, and nothing written twice, when the future is dropped.
async fn push_on<W: AsyncWrite + Unpin>(writer: &mut W, sending: &mut BytesMut) -> io::Result<()> {
    if sending.is_empty() {
        return writer.flush().await;
    }
    match writer.write_buf(sending).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        _ => Ok(()),
    }
}

/// Grows with what has arrived, never with what was announced, and shrinks when all is done.
fn make_room(inbox: &mut BytesMut) {
    if inbox.is_empty() && inbox.capacity() > 4 * READ_CHUNK {
        *inbox = BytesMut::new();
    }
    if inbox.capacity().saturating_sub(inbox.len()) < READ_CHUNK / 4 {
        inbox.reserve(inbox.len().max(READ_CHUNK));
    }
}

/// Room for one read, in bytes.
const READ_CHUNK: usize = 16 * 1024;

/// How long a client may take to read what it is sent last, and to hang up itself.
const FAREWELL: Duration = Duration::from_secs(5);

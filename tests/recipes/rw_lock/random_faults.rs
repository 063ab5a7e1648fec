//! Readers and writers while connections break, fall silent and come back at random.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use zk_client::Client;
use zk_recipes::{FencingToken, Held, Ownership, ReadGuard, WriteGuard};
use zk_test_kit::TestServer;
use zk_test_kit::server::SESSION_TIMEOUT;

use super::{PATH, lock};
use crate::contend::{Contender, Turns, contend};

zk_test_kit::cases![a_writer_is_alone_and_everybody_gets_in_whatever_breaks];

const CONTENDERS: usize = 8;

async fn a_writer_is_alone_and_everybody_gets_in_whatever_breaks(server: &Arc<TestServer>) {
    let lasts = Duration::from_secs(2_000);
    let book = contend(server, CONTENDERS, lasts, Book::default()).await;
    assert!(book.read.iter().any(|times| *times > 0), "nobody ever read");
    if server.has_virtual_time() {
        // In seconds, one long silence may be all that somebody gets to see.
        assert!(book.read.iter().all(|times| *times > 0), "no reader: {:?}", book.read);
        assert!(book.written.iter().all(|times| *times > 0), "no writer: {:?}", book.written);
        let converted = (book.downgraded, book.upgraded);
        assert!(converted.0 > 0 && converted.1 > 0, "one or the other never: {converted:?}");
        assert!(book.shared > 0, "no two ever read together");
    }
    // Whatever was left behind belongs to sessions that are over, or to a janitor.
    let client = server.client().await;
    let limit = SESSION_TIMEOUT * 3;
    let lock = lock(&client);
    let written = lock.write_timeout(limit).await.unwrap();
    assert_eq!(client.children(PATH).await.unwrap().len(), 1);
    written.release().await.unwrap();
}

/// Who holds, or thinks so.
#[derive(Default)]
struct Book {
    last_written: Option<FencingToken>,
    holders: Vec<Holder>,
    read: [usize; CONTENDERS],
    written: [usize; CONTENDERS],
    downgraded: usize,
    upgraded: usize,
    shared: usize,
}

struct Holder {
    token: FencingToken,
    is_writer: bool,
    ownership: watch::Receiver<Ownership>,
}

impl Book {
    /// A guard that still says `Held` when another one is granted, and one of them writes, would be a
    /// writer that is not alone.
    fn enter(&mut self, is_writer: bool, guard: &Held) {
        let held = |holder: &&Holder| *holder.ownership.borrow() == Ownership::Held;
        let others: Vec<_> = self.holders.iter().filter(held).collect();
        assert!(!others.iter().any(|other| other.is_writer), "a writer is not alone");
        assert!(!is_writer || others.is_empty(), "a writer among {} readers", others.len());
        self.shared += usize::from(others.len() > 1);
        let (token, ownership) = (guard.token(), guard.watch());
        if is_writer {
            assert!(Some(token) > self.last_written, "a token that is not higher");
            self.last_written = Some(token);
        }
        self.holders.push(Holder { token, is_writer, ownership });
    }

    /// The guard is about to be given up; nobody else may have been granted before that.
    fn leave(&mut self, guard: &Held) -> Vec<Holder> {
        let is_it = |holder: &mut Holder| holder.token == guard.token();
        self.holders.extract_if(.., is_it).collect()
    }
}

enum Guard {
    Read(ReadGuard),
    Write(WriteGuard),
}

impl Guard {
    fn held(&self) -> &Held {
        match self {
            Self::Read(guard) => guard,
            Self::Write(guard) => guard,
        }
    }
}

impl Turns for Contender<Book> {
    async fn take_a_turn(&mut self, client: &Client) {
        if self.try_a_turn(client).await.is_none() {
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Contender<Book> {
    async fn try_a_turn(&mut self, client: &Client) -> Option<()> {
        // So that somebody is alone now and then, and can become the writer.
        sleep(self.up_to(SESSION_TIMEOUT)).await;
        let guard = self.get_in(client).await?;
        self.hold(guard.held().lost()).await;
        let mut guard = Some(guard);
        if let Some(held) = guard.take_if(|_| self.random.bool()) {
            guard = self.convert(held).await;
        }
        match guard? {
            Guard::Read(guard) => {
                self.book.lock().unwrap().leave(&guard);
                if self.random.bool() {
                    let _ = guard.release().await;
                }
            }
            Guard::Write(guard) => {
                self.book.lock().unwrap().leave(&guard);
                if self.random.bool() {
                    let _ = guard.release().await;
                }
            }
        }
        Some(())
    }

    /// A writer one time in five.
    async fn get_in(&mut self, client: &Client) -> Option<Guard> {
        let lock = lock(client);
        let limit = self.up_to(SESSION_TIMEOUT * 3);
        let is_writer = self.random.u8(..5) == 0;
        let guard = if is_writer {
            Guard::Write(lock.write_timeout(limit).await.ok()?)
        } else {
            Guard::Read(lock.read_timeout(limit).await.ok()?)
        };
        let mut book = self.book.lock().unwrap();
        book.enter(is_writer, guard.held());
        let times = if is_writer { &mut book.written } else { &mut book.read };
        times[self.number] += 1;
        Some(guard)
    }

    /// Now and then not to the end.
    async fn convert(&mut self, guard: Guard) -> Option<Guard> {
        let limit = self.up_to(SESSION_TIMEOUT * 4);
        // While it is neither one nor the other it is not to be judged.
        let mut before = self.book.lock().unwrap().leave(guard.held());
        let guard = match guard {
            Guard::Write(guard) => match timeout(limit, guard.downgrade()).await {
                Ok(Ok(guard)) => {
                    let mut book = self.book.lock().unwrap();
                    book.enter(false, &guard);
                    book.downgraded += 1;
                    drop(book);
                    Guard::Read(guard)
                }
                Ok(Err(refused)) => {
                    self.book.lock().unwrap().holders.append(&mut before);
                    Guard::Write(refused.guard)
                }
                Err(_) => return None,
            },
            Guard::Read(guard) => match timeout(limit, guard.try_upgrade()).await {
                Ok(Ok(guard)) => {
                    let mut book = self.book.lock().unwrap();
                    book.enter(true, &guard);
                    book.upgraded += 1;
                    drop(book);
                    Guard::Write(guard)
                }
                Ok(Err(refused)) => {
                    self.book.lock().unwrap().holders.append(&mut before);
                    Guard::Read(refused.guard)
                }
                Err(_) => return None,
            },
        };
        self.hold(guard.held().lost()).await;
        Some(guard)
    }
}

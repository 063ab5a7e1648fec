//! Contenders for something while connections break, fall silent and come back at random: never two
//! owners of one thing, and everybody gets in.

use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::watch;
use tokio::time::sleep;
use zk_client::Client;
use zk_recipes::{FencingToken, Held, Ownership, RecipeError};
use zk_test_kit::TestServer;
use zk_test_kit::server::SESSION_TIMEOUT;

use crate::contend::{Contender, Turns, contend};

/// What is contended for.
pub(crate) trait Contested: Send + Sync + 'static {
    type Guard: Deref<Target = Held> + Send;

    /// How many things there are.
    const THINGS: usize;

    /// Some of the things, by number, that are to be owned together.
    fn wanted(random: &mut Rng) -> Vec<usize>;

    fn acquire(
        client: &Client,
        things: &[usize],
        limit: Duration,
    ) -> impl Future<Output = Result<Self::Guard, RecipeError>> + Send;

    fn release(guard: Self::Guard) -> impl Future<Output = ()> + Send;

    /// Nodes of contenders that are left.
    fn left(client: &Client) -> impl Future<Output = usize> + Send;
}

/// Lets clients contend, for as long as the clock is ours to turn, and asserts all that has to be true.
pub(crate) async fn mix<C: Contested>(
    server: &Arc<TestServer>,
    contenders: usize,
    lasts: Duration,
) {
    let book = contend(server, contenders, lasts, Book::<C>::new(contenders)).await;
    let acquired = book.acquired;
    assert!(acquired.iter().any(|times| *times > 0), "nobody ever got in");
    if server.has_virtual_time() {
        // In seconds, one long silence may be all that somebody gets to see.
        assert!(acquired.iter().all(|times| *times > 0), "somebody never got in: {acquired:?}");
    }
    // Whatever was left behind belongs to sessions that are over, or to a janitor.
    let client = server.client().await;
    let all: Vec<_> = (0..C::THINGS).collect();
    C::release(C::acquire(&client, &all, SESSION_TIMEOUT * 3).await.unwrap()).await;
    assert_eq!(C::left(&client).await, 0);
}

/// Who has held what, and who thinks that it holds.
struct Book<C> {
    things: Vec<Thing>,
    acquired: Vec<usize>,
    contested: PhantomData<C>,
}

#[derive(Clone, Default)]
struct Thing {
    last_token: Option<FencingToken>,
    holder: Option<watch::Receiver<Ownership>>,
}

impl<C: Contested> Book<C> {
    fn new(contenders: usize) -> Self {
        let things = vec![Thing::default(); C::THINGS];
        Self { things, acquired: vec![0; contenders], contested: PhantomData }
    }

    /// A guard that still says `Held` when another one is granted would be two owners.
    fn enter(&mut self, number: usize, things: &[usize], guard: &Held) {
        for thing in things {
            let thing = &mut self.things[*thing];
            if let Some(before) = &thing.holder {
                assert_ne!(*before.borrow(), Ownership::Held, "two hold at once");
            }
            assert!(Some(guard.token()) > thing.last_token, "a token that is not higher");
            *thing = Thing { last_token: Some(guard.token()), holder: Some(guard.watch()) };
        }
        self.acquired[number] += 1;
    }

    /// The guard is about to be given up; nobody else may have been granted before that.
    fn leave(&mut self, things: &[usize], guard: &Held) {
        for thing in things {
            let thing = &mut self.things[*thing];
            if thing.last_token == Some(guard.token()) {
                thing.holder = None;
            }
        }
    }
}

impl<C: Contested> Turns for Contender<Book<C>> {
    async fn take_a_turn(&mut self, client: &Client) {
        let things = C::wanted(&mut self.random);
        let limit = self.up_to(SESSION_TIMEOUT * 3);
        let Ok(guard) = C::acquire(client, &things, limit).await else {
            return sleep(Duration::from_millis(10)).await;
        };
        self.book.lock().unwrap().enter(self.number, &things, &guard);
        self.hold(guard.lost()).await;
        self.book.lock().unwrap().leave(&things, &guard);
        if self.random.bool() {
            C::release(guard).await;
        }
    }
}

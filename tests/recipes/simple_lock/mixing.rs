use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use zk_client::Client;
use zk_recipes::{RecipeError, SimpleGuard};
use zk_test_kit::TestServer;

use super::{lock, nodes};
use crate::mix::{Contested, mix};

zk_test_kit::cases![no_two_hold_the_simple_lock_and_everybody_gets_in_whatever_breaks];

struct Simple;

impl Contested for Simple {
    type Guard = SimpleGuard;
    const THINGS: usize = 1;

    fn wanted(_random: &mut Rng) -> Vec<usize> {
        vec![0]
    }

    async fn acquire(
        client: &Client,
        _things: &[usize],
        limit: Duration,
    ) -> Result<SimpleGuard, RecipeError> {
        lock(client).acquire_timeout(limit).await
    }

    async fn release(guard: SimpleGuard) {
        let _ = guard.release().await;
    }

    async fn left(client: &Client) -> usize {
        nodes(client).await
    }
}

async fn no_two_hold_the_simple_lock_and_everybody_gets_in_whatever_breaks(
    server: &Arc<TestServer>,
) {
    mix::<Simple>(server, 8, Duration::from_secs(500)).await;
}

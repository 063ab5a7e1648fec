use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use zk_client::Client;
use zk_recipes::{LockGuard, RecipeError};
use zk_test_kit::TestServer;

use super::lock;
use crate::mix::{Contested, mix};

zk_test_kit::cases![no_two_hold_at_once_and_everybody_gets_in_whatever_breaks];

struct One;

impl Contested for One {
    type Guard = LockGuard;
    const THINGS: usize = 1;

    fn wanted(_random: &mut Rng) -> Vec<usize> {
        vec![0]
    }

    async fn acquire(
        client: &Client,
        _things: &[usize],
        limit: Duration,
    ) -> Result<LockGuard, RecipeError> {
        lock(client).acquire_timeout(limit).await
    }

    async fn release(guard: LockGuard) {
        let _ = guard.release().await;
    }

    async fn left(client: &Client) -> usize {
        lock(client).contenders().await.unwrap().len()
    }
}

async fn no_two_hold_at_once_and_everybody_gets_in_whatever_breaks(server: &Arc<TestServer>) {
    mix::<One>(server, 6, Duration::from_secs(2_000)).await;
}

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use zk_client::Client;
use zk_recipes::{MultiGuard, RecipeError};
use zk_test_kit::TestServer;

use super::{A, B, C, multi, nodes};
use crate::mix::{Contested, mix};

zk_test_kit::cases![no_two_hold_one_of_several_and_everybody_gets_in_whatever_breaks];

/// Two of three, in any order.
struct Several;

impl Contested for Several {
    type Guard = MultiGuard;
    const THINGS: usize = 3;

    fn wanted(random: &mut Rng) -> Vec<usize> {
        let mut all = vec![0, 1, 2];
        random.shuffle(&mut all);
        all.truncate(2);
        all
    }

    async fn acquire(
        client: &Client,
        things: &[usize],
        limit: Duration,
    ) -> Result<MultiGuard, RecipeError> {
        let paths: Vec<_> = things.iter().map(|thing| [A, B, C][*thing]).collect();
        multi(client, &paths).acquire_timeout(limit).await
    }

    async fn release(guard: MultiGuard) {
        let _ = guard.release().await;
    }

    async fn left(client: &Client) -> usize {
        nodes(client).await
    }
}

async fn no_two_hold_one_of_several_and_everybody_gets_in_whatever_breaks(
    server: &Arc<TestServer>,
) {
    mix::<Several>(server, 8, Duration::from_secs(500)).await;
}

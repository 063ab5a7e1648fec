//! Whether anything is left of a scenario when it is over.

use std::time::Duration;

use tokio::time::sleep;
use zk_client::Client;

use super::world::{PLACES, World, alive_tasks, quiet};

/// Neither here nor at a server: while the client goes on, and when it has gone.
pub(super) async fn assert_nothing_left(world: World) {
    let alive = !world.client.state().borrow().is_over();
    if alive {
        world.client.sync("/").await.unwrap();
        assert_free_places(&world.client).await;
        quiet().await;
        assert_eq!(alive_tasks(), world.tasks_with_client, "tasks are left");
    }
    assert_eq!(watches(&world), 0, "watches are left");
    assert_eq!(world.server.session_count(), 1 + usize::from(alive), "sessions are left");
    let World { server, follower, client, network, tasks_without_client, .. } = world;
    client.close().await.unwrap();
    drop((client, network));
    sleep(FAREWELL).await;
    assert_eq!((server.connection_count(), follower.connection_count()), (1, 0));
    assert_eq!(server.session_count(), 1, "a session is left");
    assert_eq!(alive_tasks(), tasks_without_client, "tasks are left behind the client");
}

/// No request takes a place that nobody waits for.
async fn assert_free_places(client: &Client) {
    let replies: Vec<_> = (0..PLACES).map(|_| client.exists("/").send()).collect();
    for reply in replies {
        assert!(reply.await.expect("requests are left").is_some());
    }
}

fn watches(world: &World) -> usize {
    world.server.watch_count() + world.follower.watch_count()
}

/// Longer than a server waits for a client that it has hung up on.
const FAREWELL: Duration = Duration::from_secs(10);

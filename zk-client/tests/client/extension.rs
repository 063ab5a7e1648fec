//! Values that libraries keep with a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use zk_client::{Client, MultiReply, Reply, Watch, WatchedReply, WeakClient};

use crate::peer::connected;

#[derive(Debug)]
struct Kept(Arc<AtomicUsize>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_is_made_once_for_a_session_and_goes_with_it() {
    let (client, peer, _listener) = connected(|builder| builder).await;
    let dropped = Arc::new(AtomicUsize::new(0));
    let first = client.extension(|| Kept(Arc::clone(&dropped)));
    let clone = client.clone();
    let again = clone.extension(|| -> Kept { panic!("it is there already") });
    assert!(Arc::ptr_eq(&first, &again));
    assert_eq!(*client.extension(|| 7_u32), 7, "another type, another value");

    let (other, _other_peer, _other_listener) = connected(|builder| builder).await;
    let others = other.extension(|| Kept(Arc::default()));
    assert!(!Arc::ptr_eq(&first, &others));

    drop((first, again, client));
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    drop(clone);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    peer.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_value_may_hold_a_weak_handle() {
    let (client, peer, _listener) = connected(|builder| builder).await;
    let weak = client.extension({
        let client = client.clone();
        move || client.downgrade()
    });
    assert_eq!(weak.upgrade().unwrap().session_id(), client.session_id());
    drop(client);
    assert!(weak.upgrade().is_none());
    peer.close().await;
}

#[test]
fn everything_may_go_to_another_thread() {
    fn check<T: Send + Unpin + 'static>() {}
    check::<Client>();
    check::<WeakClient>();
    check::<Reply<()>>();
    check::<MultiReply>();
    check::<WatchedReply<()>>();
    check::<Watch>();
}

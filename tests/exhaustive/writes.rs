//! Writes of one request: what they say of themselves is true.

use zk_client::{Acl, Client, Error, Permissions, Version};
use zk_test_kit::exhaustive::{Run, at_every_poll, at_every_request, at_every_two_requests};

use super::{nothing, stat};

async fn node(observer: Client) {
    observer.create("/a", "old").await.unwrap();
}

#[test]
fn a_create_is_done_once_or_says_that_it_may_have_been() {
    let create = async |client: Client, _: Client| client.create("/a", "x").await;
    let report = at_every_request(nothing, create, async |run, created| {
        let found = stat(&run.observer, "/a").await;
        run.assert_true(&created, found.is_some());
        if let Ok(created) = created {
            assert_eq!(Some(created.stat), found);
        }
    });
    assert!(report.requests >= 1 && report.runs > 16, "{report:?}");
    at_every_poll(nothing, create, async |_, created| {
        assert!(created.is_none_or(|one| one.is_ok()));
    });
}

async fn check_set(run: &Run, outcome: Result<zk_client::Stat, Error>) {
    let (data, found) = run.observer.get("/a").await.unwrap();
    assert_eq!(data == "new", found.version == Version(1));
    assert!(found.version <= Version(1));
    run.assert_true(&outcome, data == "new");
    if let Ok(stat) = outcome {
        assert_eq!(stat, found);
    }
}

#[test]
fn a_set_is_done_once_or_says_that_it_may_have_been() {
    let set = async |client: Client, _: Client| client.set("/a", "new").await;
    let report = at_every_request(node, set, check_set);
    assert!(report.requests >= 1, "{report:?}");
    let report = at_every_two_requests(node, set, check_set);
    assert!(report.runs > 64, "{report:?}");
    at_every_poll(node, set, async |_, outcome| assert!(outcome.is_none_or(|set| set.is_ok())));
}

#[test]
fn a_delete_is_done_or_says_that_it_may_have_been() {
    let delete = async |client: Client, _: Client| client.delete("/a").await;
    at_every_request(node, delete, async |run, deleted| {
        run.assert_true(&deleted, stat(&run.observer, "/a").await.is_none());
    });
}

#[test]
fn an_acl_is_set_once_or_says_that_it_may_have_been() {
    let acl = || vec![Acl::new(Permissions::ALL, zk_client::Id::ANYONE)];
    let set = async move |client: Client, _: Client| {
        client.set_acl("/a", acl()).version(Version(0)).await
    };
    at_every_request(node, set, async |run, outcome| {
        let found = stat(&run.observer, "/a").await.unwrap();
        run.assert_true(&outcome, found.aversion == Version(1));
    });
}

#[test]
fn a_multi_is_done_whole_and_once_or_not_at_all() {
    let multi = async |client: Client, _: Client| {
        client.multi().create("/b", "").set("/a", "new", Version(0)).commit().await
    };
    at_every_request(node, multi, async |run, outcome| {
        let created = stat(&run.observer, "/b").await;
        let set = stat(&run.observer, "/a").await.unwrap();
        assert_eq!(created.is_some(), set.version == Version(1));
        run.assert_true(&outcome, created.is_some());
    });
}

//! Candidates of ours and of Curator in one election.

use zk_recipes::election::{CloseMode, Election, Layout, Role};

use crate::curator::{end, talk};
use crate::stage::{Stage, cases};

cases! {
    any: [
        ours_and_a_latch_of_curator_lead_in_turn,
        ours_and_a_selector_of_curator_lead_in_turn,
    ],
    embedded: [],
}

/// Ours leads, then Curator's, then ours again, which has joined anew; both sides name the same leader
/// each time.
async fn lead_in_turn(stage: Stage, kind: &str, layout: Layout, path: &str) {
    let client = stage.ours().await;
    let election = Election::new(&client, path).unwrap().layout(layout).id("ours");
    let mut candidate = election.join();
    let first = candidate.leadership().await.unwrap();
    let term = first.term();

    let mut curator = talk(&stage).await;
    curator.ask(&format!("a {kind} {path} start anna"), &["a started"]).await;
    while election.candidates().await.unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    curator.ask(&format!("a {kind} {path} leader"), &["a leader ours"]).await;
    assert_eq!(election.leader().await.unwrap().unwrap().id, "ours");

    first.step_down().await.unwrap();
    curator.expect_line("a leads").await;
    let mut role = candidate.state();
    role.wait_for(|role| matches!(role, Role::Follower { .. })).await.unwrap();
    assert_eq!(election.leader().await.unwrap().unwrap().id, "anna");
    curator.ask(&format!("a {kind} {path} participants"), &["a participants anna* ours"]).await;

    let leave = if kind == "latch" { "close" } else { "step-down" };
    curator.say(&format!("a {kind} {path} {leave}")).await;
    let second = candidate.leadership().await.unwrap();
    assert!(second.term() > term);
    second.verify().await.unwrap();
    drop(second);
    candidate.leave(CloseMode::Silent).await.unwrap();
    end(curator).await;
    client.close().await.unwrap();
}

async fn ours_and_a_latch_of_curator_lead_in_turn(stage: Stage) {
    lead_in_turn(stage, "latch", Layout::Latch, "/curator-ours-latch").await;
}

async fn ours_and_a_selector_of_curator_lead_in_turn(stage: Stage) {
    lead_in_turn(stage, "selector", Layout::Selector, "/curator-ours-selector").await;
}

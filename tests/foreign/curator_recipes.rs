//! Curator's elections, barriers and queues.

use zk_client::SessionId;

use crate::curator::{end, talk};
use crate::stage::{Stage, cases};

cases! {
    any: [
        curator_elects_by_a_latch_in_the_order_of_arrival,
        curator_elects_by_a_selector_and_stands_in_line_again,
        curator_waits_at_barriers,
        curator_enters_and_leaves_a_double_barrier_together,
        curator_queues_in_order,
    ],
    embedded: [a_latch_of_curator_elects_the_next_when_the_session_of_the_first_expires],
}

async fn curator_elects_by_a_latch_in_the_order_of_arrival(stage: Stage) {
    let mut one = talk(&stage).await;
    let mut two = talk(&stage).await;
    one.ask_all("a latch /curator-latch start anna", &["a started", "a leads"]).await;
    two.ask("b latch /curator-latch start bob", &["b started"]).await;
    let client = stage.ours().await;
    while client.children("/curator-latch").await.unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    two.ask("b latch /curator-latch leader", &["b leader anna"]).await;
    two.ask("b latch /curator-latch participants", &["b participants anna* bob"]).await;

    one.say("a latch /curator-latch node").await;
    let node = one.expect("a node _c_").await;
    let (_, node) = node.split_once("node ").unwrap();
    assert!(node.contains("-latch-0000000000"), "{node}");
    let (data, _) = client.get(&format!("/curator-latch/{node}")).await.unwrap();
    assert_eq!(data, "anna");

    one.ask("a latch /curator-latch close", &["a closed"]).await;
    two.expect_line("b leads").await;
    two.ask("b latch /curator-latch participants", &["b participants bob*"]).await;
    end(one).await;
    end(two).await;
    client.close().await.unwrap();
}

async fn a_latch_of_curator_elects_the_next_when_the_session_of_the_first_expires(stage: Stage) {
    let mut one = stage.curator("talk", &[]);
    let session = one.expect("session ").await;
    let session = SessionId(session.trim_start_matches("session ").parse().unwrap());
    let mut two = talk(&stage).await;
    one.ask_all("a latch /curator-latch-2 start anna", &["a started", "a leads"]).await;
    two.ask("b latch /curator-latch-2 start bob", &["b started"]).await;
    let client = stage.ours().await;
    while client.children("/curator-latch-2").await.unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(stage.server().expire_session(session));
    two.expect_line("b leads").await;
    one.expect_line("a leads no more").await;
    // She stands in line again, behind him, with a node of her new session.
    while client.children("/curator-latch-2").await.unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    two.ask("b latch /curator-latch-2 participants", &["b participants bob* anna"]).await;
    two.ask("b latch /curator-latch-2 close", &["b closed"]).await;
    one.expect_line("a leads").await;
    end(one).await;
    end(two).await;
    client.close().await.unwrap();
}

async fn curator_elects_by_a_selector_and_stands_in_line_again(stage: Stage) {
    let mut one = talk(&stage).await;
    let mut two = talk(&stage).await;
    one.ask_all("a selector /curator-selector start anna", &["a started", "a leads"]).await;
    two.ask("b selector /curator-selector start bob", &["b started"]).await;
    let client = stage.ours().await;
    while client.children("/curator-selector").await.unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    two.ask("b selector /curator-selector participants", &["b participants anna* bob"]).await;
    one.ask("a selector /curator-selector step-down", &["a told"]).await;
    two.expect_line("b leads").await;
    while client.children("/curator-selector").await.unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    two.ask("b selector /curator-selector participants", &["b participants bob* anna"]).await;
    two.ask("b selector /curator-selector close", &["b closed"]).await;
    one.expect_line("a leads").await;
    end(one).await;
    end(two).await;
    client.close().await.unwrap();
}

async fn curator_waits_at_barriers(stage: Stage) {
    let mut one = talk(&stage).await;
    let mut two = talk(&stage).await;
    one.ask("a barrier /curator-barrier wait", &["a through"]).await;
    one.ask("a barrier /curator-barrier set", &["a set"]).await;
    two.ask("b barrier /curator-barrier wait 100", &["b not through"]).await;
    two.say("b barrier /curator-barrier wait").await;
    one.ask("a barrier /curator-barrier remove", &["a removed"]).await;
    two.expect_line("b through").await;
    end(one).await;
    end(two).await;
}

async fn curator_enters_and_leaves_a_double_barrier_together(stage: Stage) {
    let client = stage.ours().await;
    let mut one = talk(&stage).await;
    let mut two = talk(&stage).await;
    one.say("a double /curator-double enter 2").await;
    while client.exists("/curator-double").await.unwrap().is_none_or(|stat| stat.num_children == 0)
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.exists("/curator-double/ready").await.unwrap(), None);
    two.ask("b double /curator-double enter 2", &["b entered"]).await;
    one.expect_line("a entered").await;
    assert!(client.exists("/curator-double/ready").await.unwrap().is_some());
    one.say("a double /curator-double leave").await;
    two.ask("b double /curator-double leave", &["b left"]).await;
    one.expect_line("a left").await;
    end(one).await;
    end(two).await;
    client.close().await.unwrap();
}

async fn curator_queues_in_order(stage: Stage) {
    let client = stage.ours().await;
    let mut one = talk(&stage).await;
    let mut two = talk(&stage).await;
    one.ask("a queue /curator-queue offer first", &["a offered true"]).await;
    two.ask("b queue /curator-queue offer second", &["b offered true"]).await;
    let mut names = client.children("/curator-queue").await.unwrap();
    names.sort_unstable();
    assert_eq!(names, ["qn-0000000000", "qn-0000000001"]);
    assert_eq!(client.get("/curator-queue/qn-0000000000").await.unwrap().0, "first");

    two.ask("b queue /curator-queue peek", &["b item first"]).await;
    two.ask("b queue /curator-queue poll", &["b item first"]).await;
    one.ask("a queue /curator-queue take", &["a item second"]).await;
    one.ask("a queue /curator-queue poll", &["a nothing"]).await;
    one.ask("a queue /curator-queue poll 100", &["a nothing"]).await;
    two.say("b queue /curator-queue take").await;
    let item = client.create("/curator-queue/qn-", "third");
    item.mode(zk_client::CreateMode::PersistentSequential).await.unwrap();
    two.expect_line("b item third").await;
    end(one).await;
    end(two).await;
    client.close().await.unwrap();
}

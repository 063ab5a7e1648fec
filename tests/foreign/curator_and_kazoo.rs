//! Recipes that Curator and kazoo share.

use crate::curator::{end, talk};
use crate::stage::{Stage, cases};

cases! {
    any: [curator_and_kazoo_wait_at_each_others_barrier],
    embedded: [],
}

async fn curator_and_kazoo_wait_at_each_others_barrier(stage: Stage) {
    let path = "/curator-and-kazoo-barrier";
    let mut curator = talk(&stage).await;
    let mut kazoo = stage.kazoo_on("shared_barrier.py", path);
    curator.ask(&format!("a barrier {path} set"), &["a set"]).await;
    kazoo.ask("try", &["through: False"]).await;
    curator.ask(&format!("a barrier {path} remove"), &["a removed"]).await;
    kazoo.ask("wait", &["through: True"]).await;

    kazoo.ask("set", &["set: "]).await;
    curator.ask(&format!("a barrier {path} wait 100"), &["a not through"]).await;
    curator.say(&format!("a barrier {path} wait")).await;
    kazoo.ask("remove", &["removed: True"]).await;
    curator.expect_line("a through").await;
    end(curator).await;
    kazoo.say("end").await;
    kazoo.expect_rest(&[]).await;
}

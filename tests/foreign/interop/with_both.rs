//! Ours, Curator's and kazoo's.

use super::contest::{Party, contest};
use super::layout::Layout;
use crate::stage::{Stage, cases};

cases! {
    any: [interop_ours_curator_and_kazoo_by_curators_names_take_turns_at_one_lock],
    embedded: [],
}

async fn interop_ours_curator_and_kazoo_by_curators_names_take_turns_at_one_lock(stage: Stage) {
    let parties = [Party::ours(3, 2), Party::curator(3, 2), Party::kazoo(3)];
    contest(&stage, "/interop-three", Layout::CuratorLock, &parties).await;
}

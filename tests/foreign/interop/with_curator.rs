//! Ours and Curator's.

use super::contest::{Party, contest};
use super::layout::Layout;
use crate::stage::{Stage, cases};

cases! {
    any: [
        interop_ours_and_curator_take_turns_at_one_lock,
        interop_many_of_ours_and_curator_on_few_sessions_take_turns_at_one_lock,
        interop_ours_and_curator_read_together_and_write_in_turn,
    ],
    embedded: [],
}

async fn interop_ours_and_curator_take_turns_at_one_lock(stage: Stage) {
    let parties = [Party::ours(4, 2), Party::curator(4, 2)];
    contest(&stage, "/interop-curator", Layout::CuratorLock, &parties).await;
}

async fn interop_many_of_ours_and_curator_on_few_sessions_take_turns_at_one_lock(stage: Stage) {
    let parties = [Party::ours(40, 1), Party::curator(40, 1)];
    contest(&stage, "/interop-many", Layout::CuratorLock, &parties).await;
}

async fn interop_ours_and_curator_read_together_and_write_in_turn(stage: Stage) {
    let parties = [Party::ours(6, 2), Party::curator(6, 2)];
    contest(&stage, "/interop-curator-rw", Layout::CuratorReadWrite, &parties).await;
}

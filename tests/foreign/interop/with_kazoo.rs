//! Ours and kazoo's.

use super::contest::{Party, contest};
use super::layout::Layout;
use crate::stage::{Stage, cases};

cases! {
    any: [
        interop_ours_and_kazoo_by_curators_names_take_turns_at_one_lock,
        interop_ours_by_kazoos_names_and_kazoo_take_turns_at_one_lock,
        interop_ours_by_kazoos_names_and_kazoo_read_together_and_write_in_turn,
    ],
    embedded: [],
}

async fn interop_ours_and_kazoo_by_curators_names_take_turns_at_one_lock(stage: Stage) {
    let parties = [Party::ours(3, 1), Party::kazoo(3)];
    contest(&stage, "/interop-kazoo-1", Layout::CuratorLock, &parties).await;
}

async fn interop_ours_by_kazoos_names_and_kazoo_take_turns_at_one_lock(stage: Stage) {
    let parties = [Party::ours(4, 2), Party::kazoo(4)];
    contest(&stage, "/interop-kazoo-2", Layout::KazooLock, &parties).await;
}

async fn interop_ours_by_kazoos_names_and_kazoo_read_together_and_write_in_turn(stage: Stage) {
    let parties = [Party::ours(4, 2), Party::kazoo(4)];
    contest(&stage, "/interop-kazoo-rw", Layout::KazooReadWrite, &parties).await;
}

//! Calls of several steps: dropped at any moment, cut off at any request, met by others in between.

mod cut;
mod dropped;
mod trees;

use zk_test_kit::Case;

pub(crate) fn cases() -> Vec<Case> {
    [cut::cases(), dropped::cases(), trees::cases()].concat()
}

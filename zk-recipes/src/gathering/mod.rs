//! Rounds: so many members gather, are let in together, and go; then the next round begins.
//!
//! One node tells which round it is and who is in it, and its version decides who has the last word:
//! nothing of it is changed but by a multi that names the version that was looked at. [`rounds`]
//! decides what comes next, without IO; [`candidate`] waits until its round opens; [`leaver`] goes.
//!
//! Whoever sees that something is to be done does it, or finds out that somebody else has. A round
//! that is to open opens as soon as there are enough members: the last one to come lists the
//! others after its own node is there, and tries until the round is open or too few are left.

pub(crate) mod candidate;
pub(crate) mod error;
pub(crate) mod leaver;
pub(crate) mod look;
pub(crate) mod rounds;
pub(crate) mod turn;

use zk_client::ByteString;

use crate::contender::order::in_order;
use crate::contender::own_node::NodeSpec;
use crate::dialect::{Dialect, Kind, Parents};
use crate::error::RecipeError;
use crate::recipe_path;

/// What all members of a gathering have been told.
#[derive(Clone, Debug)]
pub(crate) struct Gathering {
    /// Of a member's node. Its parent is the node that tells the round.
    pub(crate) spec: NodeSpec,
    /// How many make a round.
    pub(crate) parties: usize,
    /// Whether one who dies breaks the round for the others.
    pub(crate) strict: bool,
    pub(crate) last_to_go: LastToGo,
}

/// Which of the members of a round is usually the last one to go, so that those who wait for the
/// end of the round watch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastToGo {
    FirstInList,
    LastInList,
}

impl Gathering {
    pub(crate) fn new(
        path: &str,
        parties: usize,
        last_to_go: LastToGo,
    ) -> Result<Self, RecipeError> {
        if parties == 0 {
            return Err(RecipeError::BadArguments { reason: "a round needs somebody in it" });
        }
        let mut spec = NodeSpec::new(recipe_path::checked(path)?, Dialect::Curator, MEMBER);
        // A container would go between two rounds, and take their number with it.
        spec.parents = Parents::Persistent;
        Ok(Self { spec, parties, strict: false, last_to_go })
    }

    /// The node that tells the round.
    pub(crate) fn path(&self) -> &str {
        &self.spec.parent
    }

    /// The members among the children, those that came first in front.
    fn members(&self, children: &[ByteString]) -> Vec<String> {
        let kinds: [Kind; 1] = [self.spec.kind.clone()];
        in_order(children.iter().map(|name| &**name), &kinds)
            .into_iter()
            .map(str::to_owned)
            .collect()
    }
}

/// The part of a member's name between the unique id and the number.
const MEMBER: &str = "member-";

//! A place in a queue: an ephemeral sequential node with a unique name.
//!
//! [`order`] decides from a list of children who is first; [`protected`] makes the node so that
//! it is found again when the reply to its creation was lost, and is never left behind.

pub(crate) mod order;
pub(crate) mod protected;

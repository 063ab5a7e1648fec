//! A place in a queue: an ephemeral sequential node with a unique name.
//!
//! [`order`] decides from a list of children who is first; [`own_node`] makes the node so that it is
//! found again when the reply to its creation was lost, and is never left behind; [`in_line`] waits
//! until it is our turn; [`listing`] tells who else is there; [`together`] keeps nodes that one multi
//! has created together, and [`in_doubt`] undoes what may have been created. [`one_node`] is the
//! other way: a node of a fixed name, for whoever comes first.

pub(crate) mod created;
pub(crate) mod in_doubt;
pub(crate) mod in_line;
pub(crate) mod listing;
pub(crate) mod one_node;
pub(crate) mod order;
pub(crate) mod own_node;
pub(crate) mod together;

//! Plans as they run: the rules that change their nodes, and the nodes of ours among them.
//!
//! `rules` has them in their order; plans that read few rows in one stream are made without them, by
//! `direct`. A node that passes on the rows of the one below stands in the frame of `between`, a rule that
//! looks at each node by itself in that of `each_node`.

pub(crate) mod between;
pub(crate) mod direct;
pub(crate) mod distrusted;
pub(crate) mod each_node;
mod few;
mod in_turn;
pub(crate) mod joins;
pub(crate) mod offset;
pub(crate) mod plain;
pub(crate) mod rescan;
mod room;
pub(crate) mod rules;
pub(crate) mod sliced;
pub(crate) mod sort_keys;
pub(crate) mod uncounted;
pub(crate) mod undivided;

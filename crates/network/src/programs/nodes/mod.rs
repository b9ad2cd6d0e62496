//! The nodes of a program: where they stand, which memory they share, and which of them the logits need.

pub(super) mod alias;
pub(super) mod assigned;
pub(super) mod live;
pub(super) mod module;
pub(super) mod wrapped;

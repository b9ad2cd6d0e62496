//! The nodes of a program: where they stand, which memory they share, which of them the logits need, and what shapes they truly have.

pub(super) mod alias;
pub(super) mod assigned;
pub(super) mod live;
pub(super) mod module;
pub(super) mod states;
pub(super) mod wrapped;

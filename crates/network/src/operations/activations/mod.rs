//! Functions that act on each value by itself, and those that take the place of such a function.

pub(super) mod elementwise;
pub(super) mod function;
pub(super) mod glu;
pub(super) mod prelu;
pub(super) mod relu;
pub(super) mod softmax;

//! Values that no image changes, and operations that leave a value as it is.

pub(super) mod constant;
pub(super) mod detach;
pub(super) mod folded;
pub(super) mod identity;

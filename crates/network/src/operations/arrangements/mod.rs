//! Operations that give values other places, shapes and numbers, and compute nothing.

pub(super) mod assign;
pub(super) mod concatenate;
pub(super) mod expand;
pub(super) mod pad;
pub(super) mod rearrange;
pub(super) mod reshape;
pub(super) mod roll;
pub(super) mod select;
pub(super) mod upsample;

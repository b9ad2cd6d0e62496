//! What must hold between maps and logits, or between one method and another.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod cams;
#[path = "../common/mod.rs"]
mod common;
mod completeness;
mod gradients;
mod paths;
mod perturbation;
mod sharing;
mod transformers;

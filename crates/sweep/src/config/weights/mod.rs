//! What a config says of weights: which set of a file, how they want their images, and what their authors have measured.

pub(super) mod expect;
pub(super) mod normalize;
mod sets;

pub use expect::{Expectation, Expected};
pub use normalize::Normalizations;
pub use sets::WeightSets;

//! Models as graphs: a list of operations that runs forward, and backward by rule.
//!
//! tch has no hooks, and Captum's hooks are the source of most of its bug reports. Here a model is
//! data: attribution methods that change the backward pass (guided backpropagation, deconvolution)
//! are [`Rule`]s, exact on every edge of any model, with nothing to patch. A model is one file in
//! `models` with one line in its list, or a program that `torch.export` wrote.

mod blocked;
mod builder;
mod device;
mod error;
mod exported;
pub mod graph;
pub mod models;
mod once;
pub mod operations;
pub mod settings;
pub mod target;
pub mod weights;

/// The widest instructions that our kernels use on this processor.
pub fn isa() -> sweep::computed_by::Isa {
    let isa = sweep::computed_by::Isa::ALL.into_iter().find(|isa| Some(isa.channels()) == blocked::block());
    isa.unwrap_or(sweep::computed_by::Isa::None)
}

/// Whether oneDNN computes in blocks of channels on this processor, so that convolutional networks in single
/// precision are lowered.
pub fn computes_in_blocks() -> bool {
    blocked::block().is_some()
}

pub use builder::Builder;
pub use device::sent;
pub use error::NetworkError;
pub use exported::ExportError;
pub use graph::{Clean, Graph, Layer, Replacement, Rule, Trace};
pub use once::once;
pub use weights::Weights;

//! Models as graphs: a list of operations that runs forward, and backward by rule.
//!
//! tch has no hooks, and Captum's hooks are the source of most of its bug reports. Here a model is
//! data: attribution methods that change the backward pass (guided backpropagation, deconvolution)
//! are [`rules`], exact on every edge of any model, with nothing to patch. A model is one file in
//! `models` with one line in its list, or a program that `torch.export` wrote.

/// Programs of the integration tests are those of tests in here too, and know this crate by its name.
#[cfg(test)]
extern crate self as network;

mod devices;
mod error;
pub mod graph;
pub mod models;
pub mod operations;
mod programs;
mod rewrite;
pub mod rules;
mod tensors;
pub mod weights;

/// The widest instructions that our kernels use on this processor.
pub fn isa() -> sweep::computed_by::Isa {
    let isa = sweep::computed_by::Isa::ALL.into_iter().find(|isa| Some(isa.channels()) == devices::cpu::block());
    isa.unwrap_or(sweep::computed_by::Isa::None)
}

/// Whether oneDNN computes in blocks of channels on this processor, so that convolutional networks in single
/// precision are lowered.
pub fn computes_in_blocks() -> bool {
    devices::cpu::block().is_some()
}

pub use devices::{Halves, halves};
pub use error::NetworkError;
pub use graph::{Clean, Gate, Gradient, Graph, Layer, Plan, Replacement, Rule, SharedProofs, Trace, target};
pub use models::Builder;
pub use programs::ExportError;
pub use tensors::device::sent;
pub use tensors::lazy::once;
pub use tensors::operators::{Crossing, Operators, crossed};
pub use tensors::settings;
pub use weights::Weights;

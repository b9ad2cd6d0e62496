//! The methods, and how one is made from its parameters.

mod deconvolution;
mod guided_backprop;
mod input_x_gradient;
mod integrated_gradients;
mod saliency;

use sweep::catalogue::Item;
use sweep::parameters::{ParameterError, Parameters};
use tch::{TchError, Tensor};

use crate::Pass;

/// Every method, by its class in Captum.
pub const METHODS: &[&Entry] = &[
    &saliency::ENTRY,
    &input_x_gradient::ENTRY,
    &guided_backprop::ENTRY,
    &deconvolution::ENTRY,
    &integrated_gradients::ENTRY,
];

/// An attribution method.
pub struct Entry {
    /// Its class, what it takes and where it is defined.
    pub item: Item,
    /// Whether its maps come with convergence deltas.
    pub complete: bool,
    /// Makes it from checked parameters.
    pub build: fn(&Parameters) -> Result<Box<dyn Method>, ParameterError>,
}

/// Explains the target logits of a batch of images.
pub trait Method {
    /// Maps of the shape of the images, `[n, c, h, w]`: each image's depends on that image alone.
    fn attribute(&self, pass: &Pass<'_>) -> Result<Tensor, TchError>;

    /// Whether it uses the forward pass of the images that the methods share.
    fn shares_pass(&self) -> bool {
        true
    }
}

/// Why a method cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MethodError {
    /// A scheduler of another version asks for it.
    #[error("method `{0}` is not known to this build")]
    Unknown(String),
    /// The parameters were not checked against the entry.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
}

/// The method `class` with `parameters`.
pub fn build(class: &str, parameters: &Parameters) -> Result<Box<dyn Method>, MethodError> {
    let entry = METHODS.iter().find(|entry| entry.item.name == class);
    let entry = entry.ok_or_else(|| MethodError::Unknown(class.to_owned()))?;
    Ok((entry.build)(parameters)?)
}

//! The methods: each a file in the folder of its kind, and one line in the list.

mod differences;
mod entry;
mod gradients;
mod layers;
mod method;
mod perturbation;
mod together;

use sweep::parameters::Parameters;
use sweep::semantics::Semantics;

use differences::{deep_lift, deep_lift_shap, gradient_shap};
use gradients::{deconvolution, guided_backprop, input_x_gradient, integrated_gradients, noise_tunnel, saliency};
use layers::{grad_cam, guided_grad_cam};
use perturbation::{feature_ablation, kernel_shap, lime, occlusion};

pub use entry::{Build, Entry};
pub use method::{Method, MethodError};
pub use together::Together;

/// Every method, by its class in Captum.
pub const METHODS: &[&Entry] = &[
    &saliency::ENTRY,
    &input_x_gradient::ENTRY,
    &guided_backprop::ENTRY,
    &deconvolution::ENTRY,
    &integrated_gradients::ENTRY,
    &deep_lift::ENTRY,
    &deep_lift_shap::ENTRY,
    &gradient_shap::ENTRY,
    &feature_ablation::ENTRY,
    &occlusion::ENTRY,
    &grad_cam::ENTRY,
    &guided_grad_cam::ENTRY,
    &noise_tunnel::ENTRY,
    &lime::ENTRY,
    &kernel_shap::ENTRY,
];

/// Makes the method `class` with `parameters`.
pub fn build(class: &str, parameters: &Parameters, semantics: Semantics) -> Result<Box<dyn Method>, MethodError> {
    (find(class)?.build)(parameters, semantics)
}

/// Finds the entry of the class called `class`.
fn find(class: &str) -> Result<&'static Entry, MethodError> {
    let entry = METHODS.iter().find(|entry| entry.item.name == class);
    entry.copied().ok_or_else(|| MethodError::Unknown(class.to_owned()))
}

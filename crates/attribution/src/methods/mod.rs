//! The methods: each a file in the folder of its kind, and one line in the list.

mod attention;
mod cams;
mod differences;
mod entry;
mod gradients;
mod layers;
mod method;
mod paths;
mod perturbation;
mod relevance;
mod together;

use sweep::parameters::Parameters;
use sweep::semantics::Semantics;

use attention::{attention_grad_cam, attention_rollout, generic_attention, raw_attention, transformer_attribution};
use cams::{
    ablation_cam, eigen_cam, eigen_grad_cam, full_grad, grad_cam_element_wise, grad_cam_plus_plus, hi_res_cam,
    layer_cam, score_cam, x_grad_cam,
};
use differences::{deep_lift, deep_lift_shap, gradient_shap};
use gradients::{deconvolution, guided_backprop, input_x_gradient, integrated_gradients, noise_tunnel, saliency};
use layers::{grad_cam, guided_grad_cam, lift_cam};
use paths::{blur_ig, guided_ig, idgi};
use perturbation::{feature_ablation, kernel_shap, lime, occlusion, rise, shapley_value_sampling};
use relevance::{attn_lrp, cp_lrp, lrp};

pub use entry::{Build, Entry};
pub use method::{Method, MethodError};
pub use together::Together;

/// Every method, by its class in Captum, else in pytorch-grad-cam, else by its name in the paper.
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
    &grad_cam_plus_plus::ENTRY,
    &x_grad_cam::ENTRY,
    &layer_cam::ENTRY,
    &hi_res_cam::ENTRY,
    &grad_cam_element_wise::ENTRY,
    &eigen_cam::ENTRY,
    &eigen_grad_cam::ENTRY,
    &full_grad::ENTRY,
    &score_cam::ENTRY,
    &ablation_cam::ENTRY,
    &lift_cam::ENTRY,
    &lrp::ENTRY,
    &cp_lrp::ENTRY,
    &attn_lrp::ENTRY,
    &rise::ENTRY,
    &shapley_value_sampling::ENTRY,
    &idgi::ENTRY,
    &blur_ig::ENTRY,
    &guided_ig::ENTRY,
    &raw_attention::ENTRY,
    &attention_rollout::ENTRY,
    &generic_attention::ENTRY,
    &attention_grad_cam::ENTRY,
    &transformer_attribution::ENTRY,
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

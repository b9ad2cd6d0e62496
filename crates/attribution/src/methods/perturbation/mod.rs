//! Methods that hide parts of an image and look at the logits alone.

pub(super) mod feature_ablation;
pub(super) mod kernel_shap;
pub(super) mod lime;
pub(super) mod occlusion;
pub(super) mod rise;
pub(super) mod shapley_value_sampling;

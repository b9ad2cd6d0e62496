//! Methods that share out the change of a logit between baselines and the image.

pub(super) mod deep_lift;
pub(super) mod deep_lift_shap;
pub(super) mod gradient_shap;

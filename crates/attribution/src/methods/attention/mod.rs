//! Methods that look at what tokens of a transformer look at.

pub(super) mod attention_grad_cam;
pub(super) mod attention_rollout;
pub(super) mod generic_attention;
mod looks;
pub(super) mod raw_attention;
pub(super) mod transformer_attribution;

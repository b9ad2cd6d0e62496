//! Methods that share the logit out among the pixels, layer by layer.

pub(super) mod attn_lrp;
pub(super) mod cp_lrp;
pub(super) mod lrp;

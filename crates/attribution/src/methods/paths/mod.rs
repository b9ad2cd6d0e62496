//! Methods that share out the change of a logit along paths other than the straight line with its gradients.

pub(super) mod blur_ig;
pub(super) mod guided_ig;
pub(super) mod idgi;

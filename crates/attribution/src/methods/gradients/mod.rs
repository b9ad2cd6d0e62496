//! Functions of the gradient of an image, or of gradients at images near it or on the way to it.

pub(super) mod deconvolution;
pub(super) mod guided_backprop;
pub(super) mod input_x_gradient;
pub(in crate::methods) mod integrated_gradients;
pub(super) mod noise_tunnel;
pub(super) mod saliency;

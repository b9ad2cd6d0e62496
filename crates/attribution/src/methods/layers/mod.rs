//! Methods that look at a value inside the network.

pub(super) mod grad_cam;
pub(super) mod guided_grad_cam;

//! Methods that look at a value inside the network.

pub(in crate::methods) mod grad_cam;
pub(super) mod guided_grad_cam;
pub(super) mod lift_cam;

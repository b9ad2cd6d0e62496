//! Class activation maps: the maps of one layer, put together by its values, its gradients, or by what is lost without them.

pub(super) mod ablation_cam;
pub(in crate::methods) mod cam;
pub(super) mod eigen_cam;
pub(super) mod eigen_grad_cam;
pub(super) mod full_grad;
pub(super) mod grad_cam_element_wise;
pub(super) mod grad_cam_plus_plus;
pub(super) mod hi_res_cam;
pub(super) mod layer_cam;
pub(super) mod score_cam;
pub(super) mod x_grad_cam;

//! Eigen-Grad-CAM: the first principal component of values times gradients.

use super::cam::{Cam, PARAMETERS};
use super::eigen_cam::principal;
use crate::methods::entry::Entry;

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "EigenGradCAM",
        "values of a layer times their gradients, projected onto the first principal component over pixels; the sign as EigenCAM has it",
        "pytorch-grad-cam's EigenGradCAM, https://github.com/jacobgil/pytorch-grad-cam",
    ],
    &PARAMETERS,
    |parameters, _| Cam::boxed(parameters, |value, gradient| principal(&value.f_mul(gradient)?)),
)
.on_the_pass()
.called(&["EigenGradCam", "eigengradcam"]);

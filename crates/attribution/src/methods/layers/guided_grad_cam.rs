//! Guided Grad-CAM: guided backpropagation where Grad-CAM looks.

use network::rules::ReluRule;
use tch::TchError;

use super::grad_cam::{GradCam, LAYER};
use crate::methods::entry::Entry;
use crate::methods::gradients::guided_backprop::guided;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "GuidedGradCam",
        "guided backpropagation times the positive part of Grad-CAM, enlarged by nearest neighbours",
        "Selvaraju et al. 2016, https://arxiv.org/abs/1610.02391; Captum's GuidedGradCam",
    ],
    &[LAYER],
    |parameters, semantics| {
        let layer = parameters.word("layer")?.to_owned();
        Ok(Box::new(GuidedGradCam { cam: GradCam { layer, relu: true, bilinear: false }, rule: guided(semantics) }))
    },
)
.on_the_pass()
.called(&["GuidedGradCAM", "guided_gradcam", "guided_grad_cam"]);

/// Guided Grad-CAM: two forward passes, one backward pass and a part of one.
struct GuidedGradCam {
    cam: GradCam,
    rule: ReluRule,
}

impl Method for GuidedGradCam {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        Ok(pass.backward(&self.rule)?.f_mul(&self.cam.map(pass)?)?.into())
    }
}

//! LIFT-CAM: maps of a layer, weighted by their `DeepLIFT` contributions.

use tch::TchError;

use super::grad_cam::{LAYER, MODE, RELU};
use crate::methods::cams::cam::{Place, over_channels, over_pixels};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "LiftCAM",
        "maps of a layer, each weighted by its DeepLIFT contribution to the target logit against a layer of zeros; contributions sum to what the \
         logit loses there. Where a pooling and a linear layer follow, it is the sum of value times gradient",
        "Jung and Oh 2021, https://arxiv.org/abs/2102.05228",
    ],
    &[LAYER, RELU, MODE],
    |parameters, _| Ok(Box::new(LiftCam(Place::from(parameters)?))),
)
.called(&["LIFT-CAM", "LiftCam", "lift_cam"]);

/// LIFT-CAM: two forward passes, and a part of a backward pass.
struct LiftCam(Place);

impl Method for LiftCam {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let layer = pass.found(self.0.layer())?;
        let (value, multipliers) = pass.graph().layer_multipliers(pass.images(), pass.targets(), layer)?;
        let weights = over_pixels(&value.f_mul(&multipliers)?)?;
        Ok(self.0.enlarged(pass, over_channels(&value.f_mul(&weights)?)?)?.into())
    }
}

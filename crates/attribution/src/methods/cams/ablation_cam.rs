//! Ablation-CAM: maps of a layer, weighted by what the logit loses without them.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter};
use tch::{TchError, Tensor};

use super::cam::{Place, over_channels, stabilised};
use crate::methods::entry::Entry;
use crate::methods::layers::grad_cam::{LAYER, MODE, RELU};
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "AblationCAM",
        "maps of a layer, each weighted by what the target logit loses where the map is zero, as a share of the logit. pytorch-grad-cam \
         sets maps that have no zero to -1e7, -2e7 and so on, one channel after the other",
        "Desai and Ramaswamy 2020, https://doi.org/10.1109/WACV45572.2020.9093360",
    ],
    &[LAYER, RELU, MODE, RELATIVE],
    |parameters, _| {
        Ok(Box::new(AblationCam { place: Place::from(parameters)?, relative: parameters.boolean("relative")? }))
    },
)
.called(&["AblationCam", "ablationcam"]);

const RELATIVE: Parameter = Parameter {
    name: Cow::Borrowed("relative"),
    summary: Cow::Borrowed(
        "whether losses are shares of the logit, as in the paper: a negative logit then turns the sign of the map",
    ),
    kind: Kind::Boolean,
    default: Some(Default::Boolean(true)),
};

/// Least size of the logit.
const LEAST: f64 = 1e-12;

/// Ablation-CAM: a pass from the layer to the logits for each of its channels.
struct AblationCam {
    place: Place,
    relative: bool,
}

impl Method for AblationCam {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let tail = pass.graph().tail(pass.images(), pass.found(self.place.layer())?)?;
        let value = tail.picture()?;
        let (n, count, _, _) = value.size4()?;
        let scores = pass.selected(&tail.logits()?)?;
        let channels: Vec<i64> = (0..count).collect();
        let mut without = Vec::new();
        for part in pass.parts(&channels) {
            without.push(pass.selected_of_each(&tail.logits_without(part)?)?);
        }
        let mut weights = scores.f_sub(&Tensor::f_cat(&without, 0)?)?;
        if self.relative {
            weights = weights.f_div(&stabilised(&scores, LEAST)?)?;
        }
        let weights = weights.f_transpose(0, 1)?.f_reshape([n, count, 1, 1])?.f_to_kind(value.f_kind()?)?;
        Ok(self.place.enlarged(pass, over_channels(&value.f_mul(&weights)?)?)?.into())
    }
}

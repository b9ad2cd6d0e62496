//! Feature ablation: what the logit loses when a patch of the image is replaced.

use std::borrow::Cow;

use sweep::parameters::{Default, Kind, Parameter};
use tch::TchError;

use crate::baseline::{BASELINES, Baseline};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::windows::{losses, paint, windows};
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "FeatureAblation",
        "loss of the target logit when one patch of a grid is replaced by the baseline",
        "Zeiler and Fergus 2013, https://arxiv.org/abs/1311.2901; Captum's FeatureAblation",
    ],
    &[BASELINES, PATCH_SIZE],
    |parameters, _| {
        Ok(Box::new(FeatureAblation {
            baseline: Baseline::from(parameters)?,
            patch: parameters.integer("patch_size")?,
        }))
    },
);

/// Side of a patch in pixels.
pub(super) const PATCH_SIZE: Parameter = Parameter {
    name: Cow::Borrowed("patch_size"),
    summary: Cow::Borrowed("height and width of a patch in pixels; those of the last row and column may be smaller"),
    kind: Kind::Integer { least: 1, most: 4096 },
    default: Some(Default::Integer(16)),
};

/// Feature ablation: one forward pass for each patch. Every pixel of a patch, in all channels, gets the patch's whole loss.
struct FeatureAblation {
    baseline: Baseline,
    patch: i64,
}

impl Method for FeatureAblation {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let (_, channels, height, width) = pass.images().size4()?;
        let patch = [channels, self.patch, self.patch];
        let map = pass.images().f_zeros_like()?;
        let patches = windows([channels, height, width], patch, patch);
        let losses = losses(pass, &pass.baseline_image(self.baseline)?, &patches)?;
        for (index, patch) in (0..).zip(&patches) {
            paint(&map, *patch, &losses.f_get(index)?)?;
        }
        Ok(map.into())
    }
}

//! Score-CAM: maps of a layer, weighted by the logit of the image of which only what they show is left.

use tch::{TchError, Tensor};

use super::cam::{PARAMETERS, Place, over_channels};
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "ScoreCAM",
        "maps of a layer, weighted by the softmax over channels of the target logit of the image times the map, enlarged and scaled to \
         0 to 1. Pixels are from -1 to 1, so that what a map hides is mid-grey",
        "Wang et al. 2019, https://arxiv.org/abs/1910.01279",
    ],
    &PARAMETERS,
    |parameters, _| Ok(Box::new(ScoreCam(Place::from(parameters)?))),
)
.called(&["ScoreCam", "scorecam"]);

/// Least range of a map's values: that of a constant map is 0.
const LEAST: f64 = 1e-8;

/// Score-CAM: a forward pass for each channel of the layer.
struct ScoreCam(Place);

impl Method for ScoreCam {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let (value, _) = self.0.of(pass)?;
        let channels: Vec<i64> = (0..value.size4()?.1).collect();
        let mut scores = Vec::new();
        for part in pass.parts(&channels) {
            let points = part.iter().map(|channel| shown(pass, &value.f_narrow(1, *channel, 1)?));
            scores.push(pass.scores_at(&Tensor::f_cat(&points.collect::<Result<Vec<_>, _>>()?, 0)?)?);
        }
        // [k, n] to [n, k, 1, 1]
        let weights =
            Tensor::f_cat(&scores, 0)?.f_softmax(0, None)?.f_transpose(0, 1)?.f_unsqueeze(2)?.f_unsqueeze(3)?;
        let weights = weights.f_to_kind(value.f_kind()?)?;
        Ok(self.0.enlarged(pass, over_channels(&value.f_mul(&weights)?)?)?.into())
    }
}

/// The images where `map` `[n, 1, h, w]` is large; mid-grey where it is small.
fn shown(pass: &Pass<'_>, map: &Tensor) -> Result<Tensor, TchError> {
    let (_, _, height, width) = pass.images().size4()?;
    let map = map.f_upsample_bilinear2d([height, width], false, None, None)?;
    let above = map.f_sub(&map.f_amin([2_i64, 3], true)?)?;
    let mask = above.f_div(&above.f_amax([2_i64, 3], true)?.f_clamp_min(LEAST)?)?;
    pass.images().f_mul(&mask)
}

//! `FullGrad`: the gradient times the image, and the gradient at every bias of the network.

use tch::{TchError, Tensor};

use super::cam::over_channels;
use crate::methods::entry::Entry;
use crate::methods::method::Method;
use crate::{Attribution, Pass};

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "FullGrad",
        "sizes of x times its gradient and of every bias times the gradient there, each layer scaled to 0 to 1 and enlarged (align_corners, \
         as the authors' code). pytorch-grad-cam scales every channel by itself: its map is another one",
        "Srinivas and Fleuret 2019, https://arxiv.org/abs/1905.00780",
    ],
    &[],
    |_, _| Ok(Box::new(FullGrad)),
)
.called(&["fullgrad", "FullGradient"]);

/// Least range of a layer's values.
const LEAST: f64 = 1e-6;

/// `FullGrad`: a forward and a backward pass on the plain graph, where no bias is fused with what follows.
struct FullGrad;

impl Method for FullGrad {
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError> {
        let (_, _, height, width) = pass.images().size4()?;
        let mut sum: Option<Tensor> = None;
        let gradient = pass.graph().bias_gradients(pass.images(), pass.targets(), |terms| {
            if terms.dim() == 4 {
                let layer = over_channels(&scaled(terms)?)?.f_upsample_bilinear2d([height, width], true, None, None)?;
                sum = Some(match sum.take() {
                    Some(mut sum) => sum.f_add_(&layer)?,
                    None => layer,
                });
            }
            Ok(())
        })?;
        let image = over_channels(&scaled(&gradient.f_mul(pass.images())?)?)?;
        let map = sum.map_or_else(|| Ok(image.shallow_clone()), |sum| sum.f_add(&image))?;
        Ok(map.f_expand_as(pass.images())?.into())
    }
}

/// Sizes of `terms` `[n, k, h, w]`, from 0 to 1 for each image.
fn scaled(terms: &Tensor) -> Result<Tensor, TchError> {
    let sizes = terms.f_abs()?;
    let over = [1_i64, 2, 3];
    let above = sizes.f_sub(&sizes.f_amin(over, true)?)?;
    above.f_div(&above.f_amax(over, true)?.f_add_scalar(LEAST)?)
}

//! Grad-CAM++: weights that count each positive gradient by itself.

use tch::{TchError, Tensor};

use super::cam::{Cam, PARAMETERS, over_channels, over_pixels, stabilised};
use crate::methods::entry::Entry;

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "GradCAMPlusPlus",
        "maps of a layer, each weighted by its positive gradients g over 2 + S g, with S the sum of the map: equation 19 of the paper, \
         for scores that pass an exponential. pytorch-grad-cam adds 1e-6 to a denominator of the size of g^2, which shows where gradients \
         are small; torchcam 0.5 leaves the denominator out",
        "Chattopadhyay et al. 2017, https://arxiv.org/abs/1710.11063",
    ],
    &PARAMETERS,
    |parameters, _| Cam::boxed(parameters, combined),
)
.on_the_pass()
.called(&["GradCAM++", "GradCamPlusPlus", "gradcam++", "gradcampp", "gradcamplusplus"]);

/// Least size of a denominator: the sum of a map that has negative values may make it vanish.
const LEAST: f64 = 1e-12;

/// The sum over pixels of `alpha relu(g)` with `alpha = g^2 / (2 g^2 + S g^3)`. Only positive gradients count, and of these alpha
/// is `1 / (2 + S g)`, which neither overflows nor divides zero by zero.
fn combined(value: &Tensor, gradient: &Tensor) -> Result<Tensor, TchError> {
    let positive = gradient.f_relu()?;
    let denominators = over_pixels(value)?.f_mul(&positive)?.f_add_scalar(2.0)?;
    let weights = over_pixels(&positive.f_div(&stabilised(&denominators, LEAST)?)?)?;
    over_channels(&value.f_mul(&weights)?)
}

#[cfg(test)]
mod tests {
    use super::super::cam::{assert_map, by_hand};
    use super::combined;

    /// Both maps sum to 4. Weights: 0.5 / 4 + 0.5 / 4 + 1 / 6 = 5/12, and 0.5 / 4 = 1/8.
    #[test]
    fn each_positive_gradient_counts_by_its_own_share() {
        let (value, gradient) = by_hand();
        let map = combined(&value, &gradient).unwrap();
        assert_map(&map, [5.0 / 12.0, 3.0 / 8.0, 10.0 / 12.0 + 1.0 / 8.0, 5.0 / 12.0]);
    }
}

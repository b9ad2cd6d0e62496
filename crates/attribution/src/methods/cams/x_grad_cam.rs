//! `XGrad-CAM`: gradients averaged where a map is active.

use tch::{TchError, Tensor};

use super::cam::{Cam, PARAMETERS, over_channels, over_pixels, stabilised};
use crate::methods::entry::Entry;

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "XGradCAM",
        "maps of a layer, each times its gradient averaged with the map's own values as weights. Where values of a layer have both \
         signs their sum may vanish: it is kept 1e-7 away from zero, in the direction of its sign",
        "Fu et al. 2020, https://arxiv.org/abs/2008.02312",
    ],
    &PARAMETERS,
    |parameters, _| Cam::boxed(parameters, combined),
)
.on_the_pass()
.called(&["XGradCam", "xgradcam"]);

/// Least size of the sum of a map.
const LEAST: f64 = 1e-7;

fn combined(value: &Tensor, gradient: &Tensor) -> Result<Tensor, TchError> {
    let sums = stabilised(&over_pixels(value)?, LEAST)?;
    let weights = over_pixels(&value.f_mul(gradient)?)?.f_div(&sums)?;
    over_channels(&value.f_mul(&weights)?)
}

#[cfg(test)]
mod tests {
    use super::super::cam::{assert_map, by_hand};
    use super::combined;

    /// Weights: (0.5 + 1 + 1) / 4 = 0.625 and (-1.5 + 0) / 4 = -0.375.
    #[test]
    fn a_weight_is_the_mean_gradient_where_its_map_is_active() {
        let (value, gradient) = by_hand();
        assert_map(&combined(&value, &gradient).unwrap(), [0.625, -1.125, 0.875, 0.625]);
    }
}

//! Element-wise Grad-CAM: the positive products of values and gradients.

use tch::{TchError, Tensor};

use super::cam::{Cam, PARAMETERS, over_channels};
use crate::methods::entry::Entry;

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "GradCAMElementWise",
        "sum over the maps of a layer of each value times its gradient where the product is positive",
        "pytorch-grad-cam's GradCAMElementWise, https://github.com/jacobgil/pytorch-grad-cam",
    ],
    &PARAMETERS,
    |parameters, _| Cam::boxed(parameters, combined),
)
.on_the_pass()
.called(&["gradcamelementwise"]);

fn combined(value: &Tensor, gradient: &Tensor) -> Result<Tensor, TchError> {
    over_channels(&value.f_mul(gradient)?.f_relu()?)
}

#[cfg(test)]
mod tests {
    use super::super::cam::{assert_map, by_hand};
    use super::combined;

    /// A value of -1 with a gradient of -1 counts as much as both of 1: here lies the difference to `LayerCAM`.
    #[test]
    fn positive_products_count_whatever_the_signs_of_both_factors() {
        let (value, gradient) = by_hand();
        assert_map(&combined(&value, &gradient).unwrap(), [0.5, 0.0, 1.0, 1.0]);
        assert_map(&combined(&-value, &-gradient).unwrap(), [0.5, 0.0, 1.0, 1.0]);
    }
}

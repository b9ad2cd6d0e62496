//! `LayerCAM`: each value of a layer times its positive gradient.

use tch::{TchError, Tensor};

use super::cam::{Cam, PARAMETERS, over_channels};
use crate::methods::entry::Entry;

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "LayerCAM",
        "sum over the maps of a layer of each value times its gradient where that is positive",
        "Jiang et al. 2021, https://doi.org/10.1109/TIP.2021.3089943",
    ],
    &PARAMETERS,
    |parameters, _| Cam::boxed(parameters, combined),
)
.on_the_pass()
.called(&["LayerCam", "layercam"]);

fn combined(value: &Tensor, gradient: &Tensor) -> Result<Tensor, TchError> {
    over_channels(&value.f_mul(&gradient.f_relu()?)?)
}

#[cfg(test)]
mod tests {
    use super::super::cam::{assert_map, by_hand};
    use super::combined;

    #[test]
    fn negative_gradients_do_not_count() {
        let (value, gradient) = by_hand();
        assert_map(&combined(&value, &gradient).unwrap(), [0.5, 0.0, 1.0, 1.0]);
    }
}

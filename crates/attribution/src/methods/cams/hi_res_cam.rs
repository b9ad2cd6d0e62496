//! `HiResCAM`: each value of a layer times its own gradient.

use tch::{TchError, Tensor};

use super::cam::{Cam, PARAMETERS, over_channels};
use crate::methods::entry::Entry;

pub(in crate::methods) const ENTRY: Entry = Entry::new(
    [
        "HiResCAM",
        "sum over the maps of a layer of each value times its gradient",
        "Draelos and Carin 2020, https://arxiv.org/abs/2011.08891",
    ],
    &PARAMETERS,
    |parameters, _| Cam::boxed(parameters, combined),
)
.on_the_pass()
.called(&["HiResCam", "hirescam"]);

fn combined(value: &Tensor, gradient: &Tensor) -> Result<Tensor, TchError> {
    over_channels(&value.f_mul(gradient)?)
}

#[cfg(test)]
mod tests {
    use super::super::cam::{assert_map, by_hand};
    use super::combined;

    #[test]
    fn every_value_counts_by_its_own_gradient() {
        let (value, gradient) = by_hand();
        assert_map(&combined(&value, &gradient).unwrap(), [0.5, -1.5, 1.0, 1.0]);
    }
}

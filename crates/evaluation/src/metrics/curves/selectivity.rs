//! Selectivity: the curve while patches are removed, one at each step.

use sweep::evaluation::Direction;

use super::reading::{of_curve, patch_by_patch};
use crate::metrics::Entry;
use crate::numbers::{mean_height, trapezoids};
use crate::parameters::{QUANTUS, TARGET, baseline, channels, patch_size, score};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "Selectivity",
    summary: "mean probability while the most relevant patches are removed one by one; `quantus`: the area without the whole \
              image, at distance 1",
    reference: "Montavon et al. 2018, https://arxiv.org/abs/1706.07979",
    direction: Direction::Lower,
    parameters: &[patch_size(8), baseline("image_min"), channels("sum"), TARGET, score("probability"), QUANTUS],
    build: |parameters| {
        let quantus = parameters.word("semantics")? == "quantus";
        of_curve(
            &patch_by_patch(parameters),
            "morf",
            if quantus { |heights| trapezoids(&heights[1.min(heights.len())..]) } else { mean_height },
        )
    },
};

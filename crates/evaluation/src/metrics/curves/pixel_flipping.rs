//! Pixel flipping: the curve while the most relevant pixels become black.

use sweep::evaluation::Direction;
use sweep::parameters::Default;

use super::reading::of_curve;
use crate::metrics::Entry;
use crate::numbers::{mean_height, trapezoids};
use crate::parameters::{QUANTUS, TARGET, baseline, channels, per_step, score, steps};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "PixelFlipping",
    summary: "mean probability while the most relevant pixels become the darkest value of the image; `quantus`: the area without \
              the whole image, at distance 1",
    reference: "Bach et al. 2015, https://doi.org/10.1371/journal.pone.0130140",
    direction: Direction::Lower,
    parameters: &[
        steps(20),
        per_step(Some(Default::Absent)),
        baseline("image_min"),
        channels("sum"),
        TARGET,
        score("probability"),
        QUANTUS,
    ],
    build: |parameters| {
        let quantus = parameters.word("semantics")? == "quantus";
        of_curve(
            parameters,
            "morf",
            if quantus { |heights| trapezoids(&heights[1.min(heights.len())..]) } else { mean_height },
        )
    },
};

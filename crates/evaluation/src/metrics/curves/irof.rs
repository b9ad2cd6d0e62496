//! IROF: iterative removal of features, which are squares here, each filled with the mean of the image.

use sweep::evaluation::Direction;

use super::reading::{of_curve, patch_by_patch};
use crate::metrics::Entry;
use crate::numbers::mean_height;
use crate::parameters::{SHARED_OUTPUT, TARGET, baseline, channels, patch_size};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "IROF",
    summary: "area over the curve of the probability, as a share of that of the whole image, while squares are removed by their mean \
              relevance; squares stand for the segments of the paper",
    reference: "Rieger and Hansen 2020, https://arxiv.org/abs/2003.08747",
    direction: Direction::Higher,
    parameters: &[patch_size(8), baseline("image_mean"), channels("sum"), TARGET, SHARED_OUTPUT],
    build: |parameters| {
        let mut parameters = patch_by_patch(parameters);
        parameters.0.insert("rank".to_owned(), "mean".into());
        of_curve(&parameters, "morf", |heights| {
            // Of an output that is not above zero there are no shares: a larger fall would be a larger one.
            let shares = || heights.iter().map(|height| height / heights[0]).collect::<Vec<_>>();
            if heights[0] > 0.0 { 1.0 - mean_height(&shares()) } else { f64::NAN }
        })
    },
};

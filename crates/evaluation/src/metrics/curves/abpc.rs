//! Area between the perturbation curves: of the least relevant patches first, and of the most relevant first.

use sweep::evaluation::Direction;
use sweep::parameters::Default;

use super::reading::{area_over, of_both};
use crate::metrics::Entry;
use crate::parameters::{TARGET, baseline, channels, most, patch_size, score};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "ABPC",
    summary: "area between the perturbation curves: AOPC with the most relevant patches first minus AOPC with the least relevant first",
    reference: "Samek et al. 2017, https://arxiv.org/abs/1509.06321, in both orders",
    direction: Direction::Higher,
    parameters: &[
        patch_size(8),
        most(Some(Default::Integer(100))),
        baseline("image_min"),
        channels("sum"),
        TARGET,
        score("probability"),
    ],
    build: |parameters| {
        let mut parameters = parameters.clone();
        parameters.0.insert("per_step".to_owned(), 1.into());
        of_both(&parameters, |most, least| area_over(most) - area_over(least))
    },
};

//! Region perturbation: area over the curve while the most relevant patches are removed.

use sweep::evaluation::Direction;
use sweep::parameters::Default;

use super::reading::{area_over, of_curve};
use crate::metrics::Entry;
use crate::parameters::{ONE_ORDER, TARGET, baseline, channels, most, patch_size, score};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "RegionPerturbation",
    summary: "area over the perturbation curve (AOPC): mean fall of the probability while patches are removed",
    reference: "Samek et al. 2017, https://arxiv.org/abs/1509.06321",
    direction: Direction::Higher,
    parameters: &[
        ONE_ORDER,
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
        let order = parameters.word("order")?.to_owned();
        of_curve(&parameters, &order, area_over)
    },
};

//! Region perturbation: area over the curve while the most relevant patches are removed.

use sweep::evaluation::Direction;

use super::OF_ONE_ORDER;
use crate::metrics::Entry;
use crate::metrics::curves::reading::{area_over, of_curve, patch_by_patch};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "RegionPerturbation",
    summary: "area over the perturbation curve (AOPC): mean fall of the probability while patches are removed",
    reference: "Samek et al. 2017, https://arxiv.org/abs/1509.06321",
    direction: Direction::Higher,
    parameters: OF_ONE_ORDER,
    build: |parameters| of_curve(&patch_by_patch(parameters), parameters.word("order")?, area_over),
};

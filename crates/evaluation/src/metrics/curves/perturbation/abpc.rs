//! Area between the perturbation curves: of the least relevant patches first, and of the most relevant first.

use sweep::evaluation::Direction;

use super::OF_ONE_ORDER;
use crate::metrics::Entry;
use crate::metrics::curves::reading::{area_over, of_both, patch_by_patch};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "ABPC",
    summary: "area between the perturbation curves: AOPC with the most relevant patches first minus AOPC with the least relevant first",
    reference: "Samek et al. 2017, https://arxiv.org/abs/1509.06321, in both orders",
    direction: Direction::Higher,
    parameters: OF_ONE_ORDER.split_at(1).1,
    build: |parameters| of_both(&patch_by_patch(parameters), |most, least| area_over(most) - area_over(least)),
};

//! ROAD: the score where the most relevant pixels are imputed from the pixels around them.

use sweep::evaluation::Direction;

use super::{OF_ONE_ORDER, imputed};
use crate::metrics::Entry;
use crate::metrics::curves::reading::{mean_after, of_curve};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "ROAD",
    summary: "mean probability where the most relevant pixels are imputed from those around, at 10 % to 90 %",
    reference: "Rong et al. 2022, https://arxiv.org/abs/2202.00449",
    direction: Direction::Lower,
    parameters: OF_ONE_ORDER,
    build: |parameters| of_curve(&imputed(parameters), parameters.word("order")?, mean_after),
};

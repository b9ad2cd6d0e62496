//! ROAD in both orders: what the least relevant pixels leave minus what the most relevant leave.

use sweep::evaluation::Direction;

use super::{OF_ONE_ORDER, imputed};
use crate::metrics::Entry;
use crate::metrics::curves::reading::{mean_after, of_both};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "ROADCombined",
    summary: "half of the mean probability where the least relevant pixels are imputed, minus that where the most relevant are, at 10 % to 90 %",
    reference: "Rong et al. 2022, https://arxiv.org/abs/2202.00449, as pytorch-grad-cam combines both orders",
    direction: Direction::Higher,
    parameters: OF_ONE_ORDER.split_at(1).1,
    build: |parameters| of_both(&imputed(parameters), |most, least| (mean_after(least) - mean_after(most)) / 2.0),
};

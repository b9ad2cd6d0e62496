//! ROAD in both orders: what the least relevant pixels leave minus what the most relevant leave.

use sweep::evaluation::Direction;
use sweep::parameters::Default;

use super::reading::{mean_after, of_both};
use crate::metrics::Entry;
use crate::parameters::{TARGET, channels, most, score, steps};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "ROADCombined",
    summary: "half of the mean probability where the least relevant pixels are imputed, minus that where the most relevant are, at 10 % to 90 %",
    reference: "Rong et al. 2022, https://arxiv.org/abs/2202.00449, as pytorch-grad-cam combines both orders",
    direction: Direction::Higher,
    parameters: &[steps(10), most(Some(Default::Integer(9))), channels("sum"), TARGET, score("probability")],
    build: |parameters| {
        let mut parameters = parameters.clone();
        parameters.0.insert("baseline".to_owned(), "imputed".into());
        of_both(&parameters, |most, least| (mean_after(least) - mean_after(most)) / 2.0)
    },
};

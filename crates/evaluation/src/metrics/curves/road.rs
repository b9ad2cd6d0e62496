//! ROAD: the score where the most relevant pixels are imputed from the pixels around them.

use sweep::evaluation::Direction;
use sweep::parameters::Default;

use super::reading::{mean_after, of_curve};
use crate::metrics::Entry;
use crate::parameters::{ONE_ORDER, TARGET, channels, most, score, steps};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "ROAD",
    summary: "mean probability where the most relevant pixels are imputed from those around, at 10 % to 90 %",
    reference: "Rong et al. 2022, https://arxiv.org/abs/2202.00449",
    direction: Direction::Lower,
    parameters: &[ONE_ORDER, steps(10), most(Some(Default::Integer(9))), channels("sum"), TARGET, score("probability")],
    build: |parameters| {
        let mut parameters = parameters.clone();
        parameters.0.insert("baseline".to_owned(), "imputed".into());
        let order = parameters.word("order")?.to_owned();
        of_curve(&parameters, &order, mean_after)
    },
};

//! ROAD: the score where the most relevant pixels are imputed from the pixels around them.

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind, Parameter};

use super::reading::OfCurve;
use crate::metrics::Entry;
use crate::numbers::mean;
use crate::parameters::{TARGET, channels, most, parameter, score, steps};

/// Order of removal.
const ORDER: Parameter = {
    use std::borrow::Cow::Borrowed;
    parameter(
        "order",
        "most relevant pixels first, or least relevant first, where the larger score is the better one",
        Kind::Word(Borrowed(&[Borrowed("morf"), Borrowed("lerf")])),
        Some(Default::Word(Borrowed("morf"))),
    )
};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "ROAD",
    summary: "mean probability where the most relevant pixels are imputed from those around, at 10 % to 90 %",
    reference: "Rong et al. 2022, https://arxiv.org/abs/2202.00449",
    direction: Direction::Lower,
    parameters: &[ORDER, steps(10), most(Some(Default::Integer(9))), channels("sum"), TARGET, score("probability")],
    build: |parameters| {
        let mut parameters = parameters.clone();
        parameters.0.insert("baseline".to_owned(), "imputed".into());
        let order = parameters.word("order")?.to_owned();
        OfCurve::boxed(&parameters, &order, |heights| mean(&heights[1.min(heights.len())..]))
    },
};

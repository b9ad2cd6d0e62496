//! Relevance mass accuracy: how much of the map lies in the object?

use std::borrow::Cow;

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind, Parameter};

use super::reading::of_object;
use crate::metrics::Entry;
use crate::parameters::{channels, parameter};

/// Values of a map that count as mass.
const MASS: Parameter = parameter(
    "mass",
    "values that count: the `positive` ones, all without their signs (`abs`), or all as they are, as Quantus has it (`signed`)",
    Kind::Word(Cow::Borrowed(&[Cow::Borrowed("positive"), Cow::Borrowed("abs"), Cow::Borrowed("signed")])),
    Some(Default::Word(Cow::Borrowed("positive"))),
);

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "RelevanceMassAccuracy",
    summary: "share of the sum of the map that lies inside the mask",
    reference: "Arras et al. 2022, https://arxiv.org/abs/2003.07258",
    direction: Direction::Higher,
    parameters: &[MASS, channels("sum")],
    build: |parameters| {
        let quantity = match parameters.word("mass")? {
            "signed" => "signed",
            "abs" => "abs",
            _ => "positive",
        };
        Ok(of_object(parameters, quantity))
    },
};

//! Region perturbation: area over the curve while the most relevant patches are removed.

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind, Parameter};

use super::reading::OfCurve;
use crate::metrics::Entry;
use crate::numbers::mean;
use crate::parameters::{TARGET, baseline, channels, most, parameter, patch_size, score};

/// Order of removal, as users of Quantus write it.
const ORDER: Parameter = {
    use std::borrow::Cow::Borrowed;
    parameter(
        "order",
        "most relevant patches first, or least relevant first",
        Kind::Word(Borrowed(&[Borrowed("morf"), Borrowed("lerf")])),
        Some(Default::Word(Borrowed("morf"))),
    )
};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "RegionPerturbation",
    summary: "area over the perturbation curve (AOPC): mean fall of the probability while patches are removed",
    reference: "Samek et al. 2017, https://arxiv.org/abs/1509.06321",
    direction: Direction::Higher,
    parameters: &[
        ORDER,
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
        OfCurve::boxed(&parameters, &order, |heights| {
            mean(&heights.iter().map(|height| heights[0] - height).collect::<Vec<_>>())
        })
    },
};

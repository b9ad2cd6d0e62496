//! Attribution localisation: positive relevance in the object, also in relation to its size.

use sweep::evaluation::Direction;
use sweep::parameters::{Default, Kind};

use super::reading::place;
use crate::families::Inside;
use crate::metrics::reading::of_row;
use crate::metrics::{Entry, Measured};
use crate::parameters::{channels, parameter};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "AttributionLocalisation",
    summary: "share of the positive values that lies inside the mask; `weighted` divides by the share of pixels that the mask has",
    reference: "Kohlbrenner et al. 2020, https://arxiv.org/abs/1910.09840",
    direction: Direction::Higher,
    parameters: &[
        parameter("weighted", "divide by the area of the mask", Kind::Boolean, Some(Default::Boolean(false))),
        channels("sum"),
    ],
    build: |parameters| {
        let (is_weighted, mass, area) = (parameters.boolean("weighted")?, place("positive"), place("area"));
        Ok(of_row(Measured::with(&Inside, parameters), move |row| {
            if is_weighted { row.at(mass) / row.at(area) } else { row.at(mass) }
        }))
    },
};

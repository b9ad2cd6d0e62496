//! Efficient parameter randomisation test: how much more complex is the map of a model that has learned nothing?

use sweep::evaluation::Direction;

use crate::families::{ABS, NUMBERS, OtherModel, portions};
use crate::metrics::reading::of_row;
use crate::metrics::{Entry, Measured};

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "EfficientMPRT",
    summary: "relative rise of the entropy of the map's histogram where all layers of the model are drawn anew",
    reference: "Hedström et al. 2023, https://arxiv.org/abs/2401.06465",
    direction: Direction::Higher,
    parameters: &[portions(1), ABS],
    build: |parameters| {
        Ok(of_row(Measured::with(&OtherModel, parameters), |row| {
            let last = row.size(0).saturating_sub(1) * NUMBERS.len();
            let (random, own) = (row.at(last + 3), row.at(last + 4));
            if own == 0.0 { f64::NAN } else { (random - own) / own }
        }))
    },
};

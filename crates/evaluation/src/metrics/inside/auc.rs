//! Area under the ROC curve: are pixels of the object above those outside?

use sweep::evaluation::Direction;

use super::reading::of_object;
use crate::metrics::Entry;
use crate::parameters::channels;

pub(in crate::metrics) const ENTRY: Entry = Entry {
    name: "AUC",
    summary: "area under the ROC curve of the map as a detector of the mask, equal pixels half",
    reference: "Fawcett 2006, https://doi.org/10.1016/j.patrec.2005.10.010",
    direction: Direction::Higher,
    parameters: &[channels("sum")],
    build: |parameters| Ok(of_object(parameters, "auc")),
};

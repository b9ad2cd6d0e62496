//! Evaluation of attribution maps: families of measurements, and metrics that are computed from measurements.
//!
//! A metric is no loop over a model, but a reduction of measurements. What is measured of an image and a map a [`Family`] says;
//! several metrics share a measurement, and another metric on the same measurement costs no pass. The model is a [`Model`], of
//! which this crate knows no more than that it answers: so nothing here links libtorch, and tests ask a network of five units.
//!
//! | where | what |
//! |---|---|
//! | [`families`] | what is measured of an image and its map: one file and one line in [`FAMILIES`] each |
//! | [`metrics`] | what is computed from measurements: one file and one line in [`METRICS`] each |
//! | [`ask`] | from the metrics of a config to the measurements and scores of a group |
//! | `parts` | values, pixels or patches of an image, and their order by a map |
//! | `fill` | what is put in the place of what is removed |

pub mod ask;
pub mod families;
mod fill;
pub mod metrics;
mod numbers;
mod outcome;
mod parameters;
mod parts;
mod subject;

pub use families::{FAMILIES, Family, Randomised};
pub use metrics::{METRICS, Metric, Row};
pub use numbers::{pearson, ranks};
pub use outcome::{Outcome, predicted};
pub use subject::{Failed, MeasureError, Model, Subject};

//! Numbers of a report: magnitudes of maps, and likeness of maps to each other.

mod likeness;
mod magnitudes;

pub(super) use likeness::{Likeness, Ranked};
pub(super) use magnitudes::{FROM, Magnitudes, TO_TEN};

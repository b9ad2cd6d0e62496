//! A unit as forecasts see it.

use sweep::unit::UnitId;

/// Unit, as far as forecasting needs to know the unit.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) unit: UnitId,
    /// Units of one class cost the same for each of their `size`.
    pub(crate) class: usize,
    /// Number of attribution maps; for a kind of work that makes none, the number of images.
    pub(crate) size: f64,
    /// Whether `size` counts maps.
    pub(crate) makes_maps: bool,
    /// Seconds by the profile of preflight.
    pub(crate) profiled: Option<f64>,
}

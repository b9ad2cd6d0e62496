//! Options of preflight.

use std::time::Duration;

/// Options of all probes.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Share of the memory above the model's that stays free. `None`: the share in the profile, or else the usual one.
    pub margin: Option<f64>,
    /// Whether to measure variants again that a profile knows.
    pub force: bool,
    /// Whether batch sizes in a user's results file count as known, too.
    pub trusts: bool,
    /// Longest time of one measurement.
    pub patience: Duration,
    /// Time without any computing after which a worker is taken for hung.
    pub stillness: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let (patience, stillness) = (Duration::from_mins(10), Duration::from_secs(30));
        Self { margin: None, force: false, trusts: false, patience, stillness }
    }
}

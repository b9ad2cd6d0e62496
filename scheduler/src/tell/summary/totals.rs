//! Totals of all units of a run, as their workers report them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::message::Report;

/// Totals of all units of one run.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(super) maps: u64,
    pub(super) bytes: u64,
    pub(super) computing: f64,
    /// Largest share of values lost to half precision, by variant.
    pub(super) underflow: BTreeMap<String, f32>,
    /// Largest share by which maps of a shard miss the sum that they should have, by variant.
    pub(super) incomplete: BTreeMap<String, f32>,
    /// Reasons for which plain graphs computed although fused kernels exist.
    pub(crate) fell_back: BTreeSet<String>,
}

impl Totals {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds the report of a unit that was done this long after the run began. A worker that was taken over began its
    /// unit before the run: the time from before is not counted.
    pub(crate) fn add(&mut self, report: &Report, since: Duration) {
        self.maps += report.maps;
        self.bytes += report.bytes;
        self.computing += report.computing.min(since.as_secs_f64());
        keep_worst(&mut self.underflow, &report.underflow);
        keep_worst(&mut self.incomplete, &report.incomplete);
    }
}

fn keep_worst(all: &mut BTreeMap<String, f32>, of_unit: &[(String, f32)]) {
    for (key, share) in of_unit {
        let worst = all.entry(key.clone()).or_default();
        *worst = worst.max(*share);
    }
}

//! Totals of all units of a run, as their workers report them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::message::Report;

use crate::tell::output::size;

/// Totals of all units of one run.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// Number of units that were done.
    pub(super) units: u64,
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
        self.units += 1;
        self.maps += report.maps;
        self.bytes += report.bytes;
        self.computing += report.computing.min(since.as_secs_f64());
        keep_worst(&mut self.underflow, &report.underflow);
        keep_worst(&mut self.incomplete, &report.incomplete);
    }

    /// First line: what a run over so many stores has done on so many devices.
    pub(super) fn headline(&self, took: Duration, (stores, devices): (usize, usize), complete: bool) -> String {
        let seconds = took.as_secs_f64();
        let share = 100.0 * self.computing / seconds / devices as f64;
        match (self.maps, self.units) {
            (0, 0) if complete => format!("Nothing was left to compute in {stores} stores.\n"),
            (0, 0) => "0 attribution maps were written.\n".to_owned(),
            // Scores of maps that were there, and mean images.
            (0, units) => format!(
                "Wrote no attribution maps, and {units} units of scores or mean images ({}) in {seconds:.1} s: devices computing \
                 {share:.0} % of the time.\n",
                size(self.bytes)
            ),
            (maps, _) => {
                let rate = maps as f64 / seconds;
                format!(
                    "Wrote {maps} attribution maps ({}) in {seconds:.1} s: {rate:.1} maps/s, devices computing {share:.0} % of the time.\n",
                    size(self.bytes)
                )
            }
        }
    }
}

fn keep_worst(all: &mut BTreeMap<String, f32>, of_unit: &[(String, f32)]) {
    for (key, share) in of_unit {
        let worst = all.entry(key.clone()).or_default();
        *worst = worst.max(*share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_makes_scores_alone_says_so_and_not_that_nothing_was_left() {
        let mut totals = Totals::new();
        let told = |totals: &Totals, complete| totals.headline(Duration::from_secs(4), (3, 1), complete);
        assert_eq!(told(&totals, true), "Nothing was left to compute in 3 stores.\n");
        totals.add(&Report { computing: 2.0, bytes: 1_500_000, ..Report::default() }, Duration::from_secs(4));
        let expected = "Wrote no attribution maps, and 1 units of scores or mean images (1.5 MB) in 4.0 s: devices computing 50 % of the time.\n";
        assert_eq!((told(&totals, true).as_str(), told(&totals, false).as_str()), (expected, expected));
        totals.add(&Report { maps: 8, computing: 2.0, ..Report::default() }, Duration::from_secs(4));
        assert!(told(&totals, true).starts_with("Wrote 8 attribution maps (1.5 MB) in 4.0 s: 2.0 maps/s"));
    }
}

//! Numbers of images that were predicted right in each group, for people: nothing else shows what the weights are worth.

use std::fmt::Write as _;

use plan::Planned;
use store::{Accuracy, Ledger};
use sweep::group::Group;

/// Number of groups whose doubts are named at most.
const TOLD: usize = 10;

/// Accuracy of some groups, in their order.
pub(crate) struct Predictions<'a>(Vec<(&'a Group, Option<Accuracy>)>);

impl<'a> Predictions<'a> {
    /// Reads the predictions of `groups`. Reporting of predictions that cannot be read is left to `verify`.
    pub(crate) fn of(groups: &'a [Planned]) -> Self {
        let of_group = |planned: &Planned| {
            let group = Group { store: planned.place(), ..planned.group.as_ref().clone() };
            Accuracy::of(&group, &Ledger::read(&group).ok()?).ok().flatten()
        };
        Self(groups.iter().map(|planned| (planned.group.as_ref(), of_group(planned))).collect())
    }

    /// Accuracy of group number `at` as the end of a line; empty where nothing is known.
    pub(crate) fn told(&self, at: usize) -> String {
        let accuracy = self.0.get(at).and_then(|(_, accuracy)| *accuracy);
        accuracy.map(|accuracy| format!(": {accuracy}")).unwrap_or_default()
    }

    /// Writes a line for each group in which chance would hardly do worse.
    pub(crate) fn doubts(&self) -> String {
        let doubt = |(group, accuracy): &(&Group, Option<Accuracy>)| {
            let doubt = accuracy.as_ref()?.doubt(group.noise.kind == "none")?;
            Some(line(group, &doubt))
        };
        let doubts: Vec<String> = self.0.iter().filter_map(doubt).collect();
        let mut text: String = doubts.iter().take(TOLD).map(String::as_str).collect();
        if doubts.len() > TOLD {
            let _ = writeln!(text, "  and {} more groups", doubts.len() - TOLD);
        }
        text
    }
}

/// Warning about one group: its maps explain predictions that are worth little.
fn line(group: &Group, doubt: &str) -> String {
    format!(
        "Warning: {}: images predicted right are {doubt}. Weights may fit `{}` by names and shapes and be those of another \
         network (activation, stride, preprocessing), or of other data.\n",
        group.name(),
        group.model
    )
}

//! How many images of each group were predicted right, for people: what weights are worth shows there alone.

use std::fmt::Write as _;

use store::{Accuracy, Ledger};
use sweep::group::Group;

/// Groups of which doubts are told.
const TOLD: usize = 10;

/// What is known of the predictions of `group`. What cannot be read is for `verify` to tell.
pub(crate) fn of(group: &Group) -> Option<Accuracy> {
    let ledger = Ledger::read(group).ok()?;
    Accuracy::of(group, &ledger).ok().flatten()
}

/// The same as the end of a line; empty where nothing is known.
pub(crate) fn told(group: &Group) -> String {
    of(group).map(|accuracy| format!(": {accuracy}")).unwrap_or_default()
}

/// A line for each group in which chance would hardly do worse.
pub(crate) fn doubts<'a>(groups: impl Iterator<Item = &'a Group>) -> String {
    let doubts = groups.filter_map(|group| Some((group, of(group)?.doubt(group.noise.kind == "none")?)));
    let doubts: Vec<String> = doubts.map(|(group, doubt)| line(&group.name(), &group.model, &doubt)).collect();
    let mut text: String = doubts.iter().take(TOLD).map(String::as_str).collect();
    if doubts.len() > TOLD {
        let _ = writeln!(text, "  and {} more groups", doubts.len() - TOLD);
    }
    text
}

/// What is told of one group: its maps explain predictions that are worth little.
fn line(name: &str, model: &str, doubt: &str) -> String {
    format!(
        "Warning: {name}: images predicted right are {doubt}. Weights may fit `{model}` by names and shapes and be those of another \
         network (activation, stride, preprocessing), or of other data.\n"
    )
}

//! Launchers: ways of having worker processes started. Each is one file, or one folder, and one line in the list.

mod children;
mod command;
mod elsewhere;
mod go_between;
mod job;
mod launcher;
pub(crate) mod local;
pub(crate) mod poller;
mod shell;
mod slurm;
mod ssh;

use std::sync::Arc;

use sweep::config::Chosen;
use sweep::problem::{Problems, nearest};
use sweep::yaml::{Fields, Node, Value};

pub use job::{Ended, Errand, Job, State, Submitted, Ticket};
pub use launcher::{Entry, Launcher, Offer, Place, Reservation, Survivor, Wanted};

/// Every launcher; the first is the default.
pub const LAUNCHERS: &[&Entry] = &[&local::ENTRY, &command::ENTRY, &ssh::ENTRY, &slurm::ENTRY];

/// Builds the launcher that a config has `chosen`, or the first one if the config names none. A name that is not known and every
/// mistake in the settings are noted in `problems`, and the launcher that is built then is not to be used.
pub fn build(chosen: Option<&Chosen>, problems: &mut Problems) -> Arc<dyn Launcher> {
    let nothing = Chosen { name: LAUNCHERS[0].name.to_owned(), settings: Node { value: Value::Null, line: 0 } };
    let chosen = chosen.unwrap_or(&nothing);
    let line = chosen.settings.line;
    let Some(entry) = LAUNCHERS.iter().find(|entry| entry.name == chosen.name) else {
        let hint = nearest(&chosen.name, LAUNCHERS.iter().map(|entry| entry.name));
        problems.add(line, "launcher", format!("unknown launcher `{}`, {hint}", chosen.name));
        return build(None, problems);
    };
    (entry.build)(Fields::within(&chosen.settings, &format!("launcher.{}", entry.name), problems))
}

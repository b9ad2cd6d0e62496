//! Launchers: ways of having worker processes started. Each is one file, or one folder, and one line in the list.

mod launcher;
pub(crate) mod local;
pub(crate) mod poller;

pub use launcher::{Ended, Entry, Job, Launcher, Offer, Reservation, State, Survivor, Ticket, Wanted};

/// Every launcher; the first is the default.
pub const LAUNCHERS: &[&Entry] = &[&local::ENTRY];

/// The launcher called `name`; the first one if no name is given.
pub fn find(name: Option<&str>) -> Option<&'static Entry> {
    LAUNCHERS.iter().find(|entry| name.is_none_or(|name| entry.name == name)).copied()
}

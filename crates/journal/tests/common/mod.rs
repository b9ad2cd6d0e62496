//! Sweeps for a journal, and what it tells of them.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]
#![allow(dead_code, reason = "each test uses some of it")]

use std::path::Path;

use journal::{Ended, Event, History, Journal, SweepStart, file};
use protocol::message::Report;

pub(crate) fn start() -> SweepStart {
    let text = |text: &str| text.to_owned();
    SweepStart {
        program: text("test 1"),
        config: text("c.yml"),
        config_sha256: text("00"),
        pid: 7,
        units: 3,
        afresh: false,
    }
}

pub(crate) fn granted(unit: &str, attempt: u32) -> Event {
    Event::Granted { unit: unit.into(), attempt, worker: 1, slot: 0, device: "cpu".to_owned(), pid: Some(77) }
}

pub(crate) fn ended(unit: &str, attempt: u32, how: Ended) -> Event {
    Event::Ended { unit: unit.into(), attempt, how }
}

pub(crate) fn failed(text: &str) -> Ended {
    Ended::Failed { class: "Engine".to_owned(), text: text.to_owned() }
}

pub(crate) fn lost(text: &str) -> Ended {
    Ended::Lost { class: "Crash".to_owned(), text: text.to_owned() }
}

pub(crate) fn done(maps: u64) -> Ended {
    Ended::Done(Report { maps, seconds: 2.0, ..Report::default() })
}

/// One sweep of `events` that ended with `outcome`.
pub(crate) fn sweep(folder: &Path, events: Vec<Event>, outcome: &str) {
    let mut journal = Journal::begin(&file(folder), start());
    for event in events {
        journal.tell(event);
    }
    journal.end(outcome);
}

pub(crate) fn failed_units(folder: &Path) -> Vec<(String, String)> {
    let history = History::open(&file(folder)).unwrap().unwrap();
    history.failed_units().unwrap().into_iter().map(|failed| (failed.unit.to_string(), failed.error)).collect()
}

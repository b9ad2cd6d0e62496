//! Progress of a sweep, in one of four manners: drawn on a terminal that can move its cursor, told in a line now and then elsewhere,
//! written as JSON for programs, or left out.
//!
//! What is told comes from [`Live`], which the page shows too.

mod device;
mod failure;
mod json;
mod lines;
mod screen;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use indicatif::ProgressDrawTarget;
use page::{Live, Told};
use serde_json::Value;

use json::JsonLines;
use lines::Lines;
use screen::Screen;

pub(crate) use failure::FailedAttempt;

/// Wish of the user on how much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Manner {
    /// A picture on a terminal, lines elsewhere, and a last screen.
    #[default]
    Told,
    /// Failures, warnings and errors alone.
    Quiet,
    /// JSON on standard output, one object a line.
    Json,
}

/// Progress of a sweep. Clones tell of the same sweep.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    manner: Manner,
    view: View,
    seen: Arc<OnceLock<Seen>>,
}

/// State of the sweep, and the place of the logs of its workers.
#[derive(Debug)]
struct Seen {
    live: Arc<Live>,
    /// Beginning of the names of the logs, before the number of the slot.
    logs: PathBuf,
}

#[derive(Clone, Debug)]
enum View {
    Screen(Screen),
    Lines(Lines),
    Json(JsonLines),
    Nothing,
}

impl Progress {
    /// Progress that is told in this manner.
    pub(crate) fn new(manner: Manner) -> Self {
        let view = match manner {
            Manner::Quiet => View::Nothing,
            Manner::Json => View::Json(JsonLines::default()),
            // Nor is there a picture on a terminal without arts (`TERM=dumb`, or none).
            Manner::Told if ProgressDrawTarget::stderr().is_hidden() => View::Lines(Lines::default()),
            Manner::Told => View::Screen(Screen::default()),
        };
        Self { manner, view, seen: Arc::default() }
    }

    /// Sets the state that is told from now on, and the beginning of the names of the logs of workers.
    pub(crate) fn follow(&self, live: &Arc<Live>, logs: &Path) {
        let _ = self.seen.set(Seen { live: Arc::clone(live), logs: logs.to_owned() });
    }

    /// Tells that the sweep begins.
    pub(crate) fn begin(&self) {
        self.with_state(|told| match &self.view {
            View::Screen(screen) => screen.begin(told),
            View::Lines(lines) => lines.begin(told),
            View::Json(_) => JsonLines::begin(told),
            View::Nothing => {}
        });
    }

    /// Tells how far the sweep is, if that is due.
    pub(crate) fn look(&self) {
        self.with_state(|told| match &self.view {
            View::Screen(screen) => screen.draw(told),
            View::Lines(lines) => lines.look(told),
            View::Json(json) => json.look(told),
            View::Nothing => {}
        });
    }

    /// Tells of an attempt that failed, in every manner.
    pub(crate) fn failed(&self, attempt: &FailedAttempt<'_>) {
        let logs = self.seen.get().map(|seen| seen.logs.as_path());
        match &self.view {
            View::Json(_) => JsonLines::failed(attempt, logs),
            _ => self.tell(&attempt.line(logs)),
        }
    }

    /// Writes a line on standard error, above the picture if there is one.
    pub(crate) fn tell(&self, line: &str) {
        // If standard error is closed, nobody does.
        self.suspended(|| drop(writeln!(std::io::stderr(), "{line}")));
    }

    /// Writes a line that somebody who wants quiet does not miss.
    pub(crate) fn note(&self, line: &str) {
        if self.manner == Manner::Told {
            self.tell(line);
        }
    }

    /// Writes the last screen, or its `summary` for programs.
    pub(crate) fn last(&self, screen: impl FnOnce() -> String, summary: impl FnOnce() -> Value) {
        match &self.view {
            View::Json(_) => JsonLines::event("ended", summary()),
            View::Nothing => {}
            View::Screen(_) | View::Lines(_) => super::say(&screen()),
        }
    }

    /// Removes the picture.
    pub(crate) fn end(&self) {
        if let View::Screen(screen) = &self.view {
            screen.end();
        }
    }

    /// Runs `act` while the picture is hidden.
    pub(crate) fn suspended<T>(&self, act: impl FnOnce() -> T) -> T {
        if let View::Screen(screen) = &self.view { screen.suspended(act) } else { act() }
    }

    fn with_state(&self, act: impl FnOnce(&Told)) {
        let Some(seen) = self.seen.get() else { return };
        // Writing may wait for whoever reads, and nobody else shall wait for the state meanwhile.
        let told = seen.live.told().clone();
        act(&told);
    }
}

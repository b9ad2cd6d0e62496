//! State of the output folder: while the folder cannot be written, nothing is granted, and the folder is tested again and
//! again.

use std::collections::BTreeSet;

use super::event::Now;

/// Length of the first pause. Every further pause without a unit done in between is twice as long.
const SHORTEST: Now = Now::from_secs(2);
const LONGEST: Now = Now::from_mins(5);

/// State of the output folder, and of stores that are to be closed.
#[derive(Debug, Default)]
pub(super) struct OutputFolder {
    pause: Option<Pause>,
    /// Number of pauses since the last unit that was done.
    pauses: u32,
    /// Groups whose stores are to be closed and are not yet.
    pub(super) unclosed: BTreeSet<usize>,
}

#[derive(Debug)]
struct Pause {
    until: Now,
    /// Whether a test is under way.
    trying: bool,
}

impl OutputFolder {
    /// Whether granting is paused.
    pub(super) fn paused(&self) -> bool {
        self.pause.is_some()
    }

    /// Pauses after a failed write, and warns a person if the pause is the first one.
    pub(super) fn failed(&mut self, now: Now, reason: &str) {
        if self.pause.is_some() {
            return;
        }
        if self.pauses == 0 {
            tracing::warn!("{reason}; the sweep waits, and goes on by itself once this can be written or read again");
        }
        self.begin(now, reason);
    }

    /// Whether the time for a test has come.
    pub(super) fn due(&mut self, now: Now) -> bool {
        let due = self.pause.as_mut().filter(|pause| !pause.trying && pause.until <= now);
        due.map(|pause| pause.trying = true).is_some()
    }

    /// Takes the result of a test; whether units are granted again.
    pub(super) fn tried(&mut self, now: Now, result: Result<(), String>) -> bool {
        match result {
            Ok(()) => {
                tracing::info!("the output folder can be written again");
                self.pause = None;
                true
            }
            Err(reason) => {
                self.begin(now, &reason);
                false
            }
        }
    }

    /// Notes that a unit was done, so that the folder can be written.
    pub(super) fn proven(&mut self) {
        if self.pauses > 0 && self.pause.is_none() {
            tracing::warn!("the stores can be written again; the sweep goes on");
            self.pauses = 0;
        }
    }

    fn begin(&mut self, now: Now, reason: &str) {
        let pause = LONGEST.min(SHORTEST * 2_u32.pow(self.pauses.min(8)));
        tracing::info!(reason, seconds = pause.as_secs(), "the output folder is tried again after a pause");
        self.pauses += 1;
        self.pause = Some(Pause { until: now + pause, trying: false });
    }
}

//! Progress: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a sweep is, in attribution maps.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    lines: Option<Arc<Mutex<Instant>>>,
}

/// Between two lines, where there is no terminal.
const PAUSE: Duration = Duration::from_secs(30);

impl Default for Progress {
    fn default() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        Self { bar, lines: (!terminal).then(|| Arc::new(Mutex::new(Instant::now()))) }
    }
}

impl Progress {
    /// Begins to count up to `maps`.
    pub(crate) fn begin(&self, maps: u64) {
        self.bar.set_length(maps);
        let template = "{elapsed_precise} [{bar:40}] {pos}/{len} maps, {per_sec}, {eta} left {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.reset();
        if self.lines.is_none() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(Duration::from_millis(500));
        }
    }

    /// A line for whoever watches, above the bar.
    pub(crate) fn tell(&self, line: &str) {
        // If standard error is closed, nobody does.
        self.suspended(|| drop(writeln!(std::io::stderr(), "{line}")));
    }

    /// `maps` more are done.
    pub(crate) fn advance(&self, maps: u64) {
        self.bar.inc(maps);
        let Some(last) = &self.lines else { return };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= PAUSE {
            *last = Instant::now();
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or_default());
            let _ = writeln!(std::io::stderr(), "{done}/{all} maps, about {} s left", self.bar.eta().as_secs());
        }
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Does `act` with the bar out of the way.
    pub(crate) fn suspended<T>(&self, act: impl FnOnce() -> T) -> T {
        self.bar.suspend(act)
    }
}

/// `3 d 4 h`, `2 h 5 min`, `7 min`, `12 s`.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_the_two_units_that_matter() {
        let table = [(-5.0, "0 s"), (119.9, "119 s"), (125.0, "2 min"), (7300.0, "2 h 1 min"), (270_000.0, "3 d 3 h")];
        for (seconds, told) in table {
            assert_eq!(duration(seconds), told);
        }
    }
}

//! Progress of a sweep: a bar on a terminal that can move its cursor, a line now and then elsewhere.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::output::duration;

/// Progress of a sweep, in attribution maps.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    lines: Option<Arc<Mutex<Told>>>,
}

/// Last line: the time of writing, and the number of maps in the line.
#[derive(Debug)]
struct Told {
    at: Instant,
    maps: u64,
}

/// Time between two lines, where there is no bar.
const PAUSE: Duration = Duration::from_secs(30);

/// Time between two lines while no map is finished.
const QUIET: Duration = Duration::from_mins(5);

impl Default for Progress {
    fn default() -> Self {
        // Nor is there one on a terminal without arts (`TERM=dumb`, or none).
        let drawn = !ProgressDrawTarget::stderr().is_hidden();
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        Self { bar, lines: (!drawn).then(|| Arc::new(Mutex::new(Told { at: Instant::now(), maps: 0 }))) }
    }
}

impl Progress {
    /// Begins to count up to `maps`.
    pub(crate) fn begin(&self, maps: u64) {
        self.bar.set_length(maps);
        let template = "{elapsed_precise} [{bar:40}] {pos}/{len} maps{forecast} {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            let told = |state: &ProgressState, text: &mut dyn fmt::Write| {
                let _ = text.write_str(&forecast(state.pos(), Some(state.per_sec()), state.eta()));
            };
            self.bar.set_style(style.with_key("forecast", told).progress_chars("=> "));
        }
        self.bar.reset();
        if self.lines.is_none() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(Duration::from_millis(500));
        } else if maps > 0 {
            self.line();
        }
    }

    /// Writes a line above the bar.
    pub(crate) fn tell(&self, line: &str) {
        // If standard error is closed, nobody does.
        self.suspended(|| drop(writeln!(std::io::stderr(), "{line}")));
    }

    /// Notes that `maps` more are done.
    pub(crate) fn advance(&self, maps: u64) {
        self.bar.inc(maps);
        self.look();
    }

    /// Writes a line if there is no bar and the last line is old.
    pub(crate) fn look(&self) {
        let Some(last) = &self.lines else { return };
        let due = {
            let last = last.lock().unwrap_or_else(PoisonError::into_inner);
            last.at.elapsed() >= if self.bar.position() == last.maps { QUIET } else { PAUSE }
        };
        if due {
            self.line();
        }
    }

    fn line(&self) {
        let (done, all) = (self.bar.position(), self.bar.length().unwrap_or_default());
        if let Some(last) = &self.lines {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Told { at: Instant::now(), maps: done };
        }
        // If standard error is closed, nobody hears it.
        let _ = writeln!(std::io::stderr(), "{done}/{all} maps{}", forecast(done, None, self.bar.eta()));
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Runs `act` while the bar is hidden.
    pub(crate) fn suspended<T>(&self, act: impl FnOnce() -> T) -> T {
        self.bar.suspend(act)
    }
}

/// Forecast of the time that is left, with the `rate` in maps a second. The text is empty before a map is done, as nothing
/// can be forecast then.
fn forecast(done: u64, rate: Option<f64>, left: Duration) -> String {
    if done == 0 {
        return String::new();
    }
    let rate = rate.map_or_else(String::new, |rate| format!(", {rate:.1}/s"));
    format!("{rate}, about {} left", duration(left.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_the_first_map_there_is_no_forecast() {
        let left = Duration::from_secs(200);
        assert_eq!(forecast(0, Some(0.0), Duration::ZERO), "");
        assert_eq!(forecast(1, None, left), ", about 3 min left");
        assert_eq!(forecast(1, Some(1.25), left), ", 1.2/s, about 3 min left");
    }
}

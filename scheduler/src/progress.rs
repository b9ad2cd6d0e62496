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

//! Picture of a sweep on a terminal: a line for each device, and the bar of the sweep below.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use page::Told;

use super::device;
use super::lines::state;

/// Devices that have a line of their own at most.
const DEVICES: usize = 16;

/// Picture on standard error.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    all: MultiProgress,
    bar: ProgressBar,
    devices: Arc<Mutex<Vec<ProgressBar>>>,
}

impl Default for Screen {
    fn default() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        Self { bar: all.add(ProgressBar::new(0)), all, devices: Arc::default() }
    }
}

impl Screen {
    /// Begins to draw.
    pub(super) fn begin(&self, told: &Told) {
        if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {wide_msg}") {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.set_length(told.maps);
        self.bar.reset();
        let lines = told.devices.len().min(DEVICES) + usize::from(told.devices.len() > DEVICES);
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..lines {
            let line = self.all.insert_before(&self.bar, ProgressBar::new(0));
            if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
                line.set_style(style);
            }
            devices.push(line);
        }
        drop(devices);
        self.draw(told);
        self.all.set_draw_target(ProgressDrawTarget::stderr());
        self.bar.enable_steady_tick(Duration::from_millis(500));
    }

    /// Draws the picture of `told`.
    pub(super) fn draw(&self, told: &Told) {
        let devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, line) in devices.iter().enumerate() {
            let more = told.devices.len().saturating_sub(DEVICES);
            let text = if at < DEVICES {
                told.devices.get(at).map(device::line)
            } else {
                Some(format!("and {more} more devices"))
            };
            line.set_message(text.unwrap_or_default());
        }
        self.bar.set_position(told.done);
        self.bar.set_message(state(told));
    }

    /// Removes the picture.
    pub(super) fn end(&self) {
        for line in self.devices.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            line.finish_and_clear();
        }
        self.bar.finish_and_clear();
    }

    /// Runs `act` while the picture is hidden.
    pub(super) fn suspended<T>(&self, act: impl FnOnce() -> T) -> T {
        self.all.suspend(act)
    }
}

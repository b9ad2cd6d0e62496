//! Progress for programs: one JSON object a line on standard output. `docs/guide/running/watching.md` says what each has.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use page::Told;
use serde_json::{Value, json};

use super::FailedAttempt;
use super::device;
use crate::tell::say;

/// Time between two lines on progress, at least.
const PAUSE: Duration = Duration::from_secs(1);
/// Time between two lines on progress while nothing changes.
const QUIET: Duration = Duration::from_secs(10);

/// JSON lines.
#[derive(Clone, Debug, Default)]
pub(super) struct JsonLines(Arc<Mutex<Last>>);

/// Last line on progress: the time of writing, and what changes when something happens.
#[derive(Debug, Default)]
struct Last {
    at: Option<Instant>,
    of: Value,
}

impl JsonLines {
    /// Writes that the sweep begins.
    pub(super) fn begin(told: &Told) {
        let devices: Vec<&str> = told.devices.iter().map(|device| device.name.as_str()).collect();
        Self::event("begun", json!({"maps": told.maps, "left": told.left, "devices": devices}));
    }

    /// Writes how far the sweep is, once a second while something changes.
    pub(super) fn look(&self, told: &Told) {
        let devices: Vec<Value> = told.devices.iter().map(device::json).collect();
        let units: Vec<&Value> = devices.iter().map(|device| &device["unit"]).collect();
        let of = json!([told.done, told.failed.len(), units]);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = if last.of == of { QUIET } else { PAUSE };
        if last.at.is_some_and(|at| at.elapsed() < pause) {
            return;
        }
        *last = Last { at: Some(Instant::now()), of };
        drop(last);
        let of_sweep = json!({
            "maps": told.maps, "done": told.done, "rate": told.rate, "left": told.left, "unknown": told.unknown,
            "failed": told.failed.len(), "devices": devices,
        });
        Self::event("progress", of_sweep);
    }

    /// Writes that an attempt failed.
    pub(super) fn failed(attempt: &FailedAttempt<'_>, logs: Option<&Path>) {
        Self::event("failed", attempt.json(logs));
    }

    /// Writes the event called `name`, with the members of `of`.
    pub(super) fn event(name: &str, of: Value) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let mut line = json!({"event": name, "time": time});
        if let (Value::Object(line), Value::Object(of)) = (&mut line, of) {
            line.extend(of);
        }
        say(&format!("{line}\n"));
    }
}

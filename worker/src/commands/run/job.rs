//! A granted unit on its way through the worker, and the report on it.

use std::time::{Duration, Instant};

use machine::this_process;
use protocol::message::{FromWorker, Report};

use crate::device::host_memory;
use crate::engine::Computation;
use crate::link::connection::{Grant, Link};
use crate::unit_error::UnitError;

/// Granted unit, and the time that the unit took so far.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) grant: Grant,
    started: Instant,
    /// Time from disk to images with noise.
    pub(crate) reading: Duration,
    /// Time in which the second stage had nothing to compute before this unit.
    pub(crate) waiting: Duration,
    /// Time in which the second stage could not give values to the third.
    pub(crate) blocked: Duration,
    /// Time from values to files that are in place.
    pub(crate) writing: Duration,
    pub(crate) bytes: u64,
    pub(crate) underflow: Vec<(String, f32)>,
    pub(crate) incomplete: Vec<(String, f32)>,
    pub(crate) computation: Computation,
}

impl Job {
    pub(crate) fn new(grant: Grant) -> Self {
        Self {
            grant,
            started: Instant::now(),
            reading: Duration::ZERO,
            waiting: Duration::ZERO,
            blocked: Duration::ZERO,
            writing: Duration::ZERO,
            bytes: 0,
            underflow: Vec::new(),
            incomplete: Vec::new(),
            computation: Computation::default(),
        }
    }

    /// Sends the result of the unit to the scheduler.
    pub(crate) fn report(self, link: &Link, outcome: Result<(), UnitError>) {
        let (unit, attempt) = (self.grant.unit.id(), self.grant.attempt);
        match outcome {
            Ok(()) => {
                let Computation { computing, maps, learned, fell_back, .. } = self.computation;
                let computing = computing.saturating_sub(self.blocked).as_secs_f64();
                let (seconds, bytes) = (self.started.elapsed().as_secs_f64(), self.bytes);
                let (underflow, incomplete) = (self.underflow, self.incomplete);
                let report = Report { maps, bytes, seconds, computing, underflow, incomplete, learned, fell_back };
                tracing::info!(
                    %unit, attempt, maps, bytes, seconds,
                    reading = self.reading.as_secs_f64(),
                    waiting = self.waiting.as_secs_f64(),
                    computing,
                    blocked = self.blocked.as_secs_f64(),
                    writing = self.writing.as_secs_f64(),
                    resident = this_process::resident(),
                    held = host_memory::used(),
                    "done"
                );
                link.send(&FromWorker::Done { unit, attempt, report });
            }
            Err(UnitError::Stopped) if link.stopping() => link.stopped(unit, attempt),
            Err(error) => {
                let (class, text) = (error.class(), error.text());
                tracing::warn!(%unit, attempt, ?class, error = text, "failed");
                link.send(&FromWorker::Failed { unit, attempt, class, text });
            }
        }
    }
}

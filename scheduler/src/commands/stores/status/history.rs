//! State of a sweep, with what the journal knows.

use journal::{Failed, History, JournalError, Speed, Sweep, UnderWay};
use protocol::about::About;
use serde::Serialize;

use super::stores::StoreProgress;
use crate::lock::Holder;

/// State of a sweep. Times are seconds since 1970.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub(super) running: Option<Holder>,
    /// Process that held the folder on another host, and does not seem to run.
    pub(super) silent: Option<Holder>,
    /// Slots whose workers wait for a place, with the reasons that their launcher gives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) waiting: Vec<(usize, String)>,
    /// Workers of other machines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) workers: Vec<Elsewhere>,
    pub(super) stores: Vec<StoreProgress>,
    pub(super) last_sweep: Option<Sweep>,
    /// Units that workers hold now.
    pub(super) under_way: Vec<UnderWay>,
    pub(super) failed: Vec<Failed>,
    /// Maps a second, lately; of the sweep that runs, or of the last one.
    pub(super) speed: Option<f64>,
    /// Seconds that the missing maps will take at that speed.
    pub(super) left: Option<f64>,
    /// Reason for which nothing is known of earlier runs.
    pub(super) journal: Option<String>,
}

/// A worker of another machine, as it said when it called.
#[derive(Debug, Serialize)]
pub(super) struct Elsewhere {
    pub(super) slot: usize,
    #[serde(flatten)]
    pub(super) about: About,
}

/// Adds what the journal knows to `status`.
pub(super) fn recall(status: &mut Status, history: Result<Option<History>, JournalError>) -> Result<(), JournalError> {
    let Some(history) = history? else { return Ok(()) };
    status.last_sweep = history.last_sweep()?;
    status.failed = history.failed_units()?;
    let sweep = status.last_sweep.as_ref().map(|sweep| sweep.id);
    // Just begun, the sweep that runs is not in the journal yet.
    let running = status.last_sweep.as_ref().zip(status.running.as_ref()).filter(|(last, by)| last.pid == by.pid);
    if let Some((sweep, _)) = running {
        status.under_way = history.under_way(sweep.id)?;
    }
    let speed = sweep.map(|sweep| history.speed(sweep)).transpose()?.flatten();
    status.speed = speed.map(|Speed { maps, seconds }| maps as f64 / seconds);
    let missing: Option<u64> =
        status.stores.iter().map(|store| Some(store.maps?.saturating_sub(store.maps_done))).sum();
    status.left = missing.zip(status.speed).map(|(missing, speed)| missing as f64 / speed);
    Ok(())
}

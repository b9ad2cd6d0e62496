//! Text of `scheduler status` for people.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use journal::{Failed, UnderWay};
use protocol::about::About;

use super::history::{Elsewhere, Status};
use super::stores::StoreProgress;
use crate::lock::Holder;
use crate::tell::{duration, size};

/// Number of failures in the text at most; `--json` has all.
const TOLD: usize = 10;

/// Describes the state of a sweep.
pub(super) fn told(status: &Status) -> String {
    let mut text = match &status.running {
        Some(holder) => {
            let since = ago(holder.since as f64);
            format!("Running: process {} on {}, for {since}.\n", holder.pid, holder.host)
        }
        None => "Not running.\n".to_owned(),
    };
    if let Some(Holder { pid, host, .. }) = &status.silent {
        let _ = writeln!(
            text,
            "  silent    process {pid} on {host}, which did not give the folder back: it has ended, or is stopped"
        );
    }
    for UnderWay { unit, device, pid, started, .. } in &status.under_way {
        let process = pid.map_or_else(|| "a process".to_owned(), |pid| format!("process {pid}"));
        let _ = writeln!(text, "  at work   {process} on {device}: {unit}, for {}", ago(*started));
    }
    for Elsewhere { slot, about } in &status.workers {
        let _ = writeln!(text, "  worker    {slot}: {about}; {}", machine(about));
    }
    for (slot, reason) in &status.waiting {
        let _ = writeln!(text, "  waits     worker {slot}: {reason}");
    }
    for store in &status.stores {
        let _ = writeln!(text, "  {}", line(store));
    }
    if let Some(left) = status.left.filter(|left| *left > 0.0) {
        let (speed, left) = (status.speed.unwrap_or_default(), duration(left));
        let _ = match status.running {
            Some(_) => writeln!(text, "About {left} left, at {speed:.1} maps/s."),
            None => writeln!(text, "What is missing takes about {left} at the last run's {speed:.1} maps/s."),
        };
    }
    if let (None, Some(last)) = (&status.running, &status.last_sweep) {
        let outcome = last.outcome.as_deref().unwrap_or("killed, or cut off by a failing machine");
        let _ = writeln!(text, "The last run began {} ago; its end: {outcome}.", ago(last.started));
    }
    text += &failures(&status.failed);
    if let Some(reason) = &status.journal {
        let _ = writeln!(text, "Of earlier runs nothing is known: {reason}");
    }
    text
}

/// Names the first of the units that failed.
fn failures(failed: &[Failed]) -> String {
    let mut text = String::new();
    if failed.is_empty() {
        return text;
    }
    let _ = writeln!(text, "{} units failed at their last attempt (scheduler retry --failed):", failed.len());
    for Failed { unit, class, error, .. } in failed.iter().take(TOLD) {
        let _ = writeln!(text, "  {unit}: {class}: {error}");
    }
    if failed.len() > TOLD {
        let _ = writeln!(text, "  and {} more", failed.len() - TOLD);
    }
    text
}

/// Device, memory and versions of a worker, as far as it knew them.
fn machine(about: &About) -> String {
    let device = about.gpu.as_ref().map_or_else(|| about.model.clone(), |gpu| format!("{} ({gpu})", about.model));
    let may = |bytes: u64| format!("may hold {}", size(bytes));
    let facts = [
        Some(device).filter(|device| !device.is_empty()),
        about.memory.map(may),
        about.host_memory.map(|bytes| format!("{} of memory free", size(bytes))),
        Some(format!("libtorch {}", about.libtorch)).filter(|_| !about.libtorch.is_empty()),
        about.driver.as_ref().map(|driver| format!("driver {driver}")),
    ];
    facts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn line(store: &StoreProgress) -> String {
    let StoreProgress { name, maps_done, shards_done, maps, shards, .. } = store;
    match (&store.error, maps, shards) {
        (Some(error), ..) => format!("unusable  {name}: {error}"),
        (None, Some(maps), Some(shards)) => {
            let state = if store.complete { "complete" } else { "to do" };
            let right = match (store.right, store.predicted) {
                (Some(right), Some(predicted)) => format!(", {right} of {predicted} images predicted right"),
                _ => String::new(),
            };
            let doubt = store.doubt.as_ref().map(|doubt| format!(" (these are {doubt})")).unwrap_or_default();
            let scored = store.shards_scored.map(|scored| format!(", {scored} shards scored")).unwrap_or_default();
            format!(
                "{state:9} {name}: {maps_done} of {maps} maps, {shards_done} of {shards} shards{scored}{right}{doubt}"
            )
        }
        _ => format!("to do     {name}: the dataset is not there"),
    }
}

/// Time since `moment`, for people.
fn ago(moment: f64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    duration(now.as_secs_f64() - moment)
}

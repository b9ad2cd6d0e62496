//! What the page tells of failures, of machines and of units under way.

use std::time::{SystemTime, UNIX_EPOCH};

use page::{Failed, Machine, Running, Told};
use protocol::about::About;
use sweep::unit::UnitId;

/// Failures that are kept at most.
const FAILURES: usize = 200;
/// Seconds since 1970.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Adds a failure, in place of an earlier one of the same unit.
pub(super) fn failed(told: &mut Told, unit: &UnitId, attempt: u32, class: &str, error: &str) {
    let at = now();
    let unit = unit.to_string();
    told.add_line(at, format!("{unit} failed: {error}"), true);
    told.failed.retain(|failed| failed.unit != unit);
    if told.failed.len() < FAILURES {
        told.failed.push(Failed { unit, attempt, class: class.to_owned(), error: error.to_owned(), at });
    }
}

/// Machine of a worker, as the page shows the machine.
pub(super) fn machine(about: &About) -> Machine {
    Machine {
        node: about.node.clone(),
        job: about.job.clone(),
        restart: about.restart,
        pid: about.pid,
        model: about.model.clone(),
        gpu: about.gpu.clone(),
        memory: about.memory,
        host_memory: about.host_memory,
        libtorch: about.libtorch.clone(),
        driver: about.driver.clone(),
        ends: about.ends_in.map(|seconds| now() + seconds),
    }
}

pub(super) fn running(unit: &UnitId, attempt: u32) -> Running {
    Running { unit: unit.to_string(), attempt, since: now() }
}

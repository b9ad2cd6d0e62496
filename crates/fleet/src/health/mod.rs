//! The health of GPUs: readings of the driver, judged, and told when the judgement changes.
//!
//! A [`gauge::Gauge`] only reads. A [`condition::History`] judges and knows no driver, so that tests read from a list. Readings are
//! made on a thread of their own, as a driver in trouble may not answer for minutes. A device of which nothing can be read is taken
//! for well.

pub(crate) mod condition;
pub(crate) mod gauge;
pub(crate) mod nvml;

use std::thread;
use std::time::Duration;

use condition::{Condition, History};
use gauge::Gauge;

/// Time between two readings of a device.
pub const PERIOD: Duration = Duration::from_secs(2);

/// A GPU that is watched, and its slot.
pub(crate) struct Watched {
    pub(crate) slot: usize,
    pub(crate) uuid: String,
}

/// Reads `devices` with the gauge that `open` returns, on a thread of its own. `tell` is called with the slot and the condition
/// of a device whenever the condition changes. The thread ends once `is_over` says so.
pub(crate) fn watch(
    devices: Vec<Watched>,
    period: Duration,
    open: impl FnOnce() -> Option<Box<dyn Gauge>> + Send + 'static,
    (tell, is_over): (impl Fn(usize, Condition) + Send + 'static, impl Fn() -> bool + Send + 'static),
) {
    let read = move || {
        let Some(mut gauge) = open() else { return };
        let mut devices: Vec<(Watched, History)> =
            devices.into_iter().map(|device| (device, History::default())).collect();
        while !is_over() {
            for (Watched { slot, uuid }, history) in &mut devices {
                if let Some(condition) = history.add(gauge.read(uuid)) {
                    tell(*slot, condition);
                }
            }
            thread::sleep(period);
        }
    };
    if let Err(error) = thread::Builder::new().name("health".to_owned()).spawn(read) {
        tracing::warn!(%error, "the health of GPUs is not watched");
    }
}

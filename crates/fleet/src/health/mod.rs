//! The health of GPUs: what a driver shows of them, judged, and told when it changes.
//!
//! A [`Gauge`] only reads; [`Chart`] judges and knows no driver, so that tests read from a list. A thread of its own
//! reads, as a driver in trouble may not answer for minutes; a device of which nothing can be read is taken for well.

mod chart;
pub(crate) mod nvml;

use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;

use chart::Chart;
pub use chart::Condition;
pub use nvml::NvmlGauge;

use crate::fleet::Event;

/// Time between two readings of a device.
pub const PERIOD: Duration = Duration::from_secs(2);

/// What a device shows at one moment. What cannot be read is left out: nothing is concluded of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Errors that the driver logged since the last reading, by their XID.
    pub xids: Vec<u64>,
    /// The device does not answer any more, or must be reset first: why.
    pub gone: Option<String>,
    /// Memory errors since the driver was loaded that ECC could not correct.
    pub uncorrected: Option<u64>,
    /// Whether memory is to be retired at the next reset.
    pub retiring: Option<bool>,
    /// Whether heat or the power supply holds the clocks down.
    pub throttled: Option<bool>,
}

/// Reads devices.
pub trait Gauge: Send {
    /// What the device called `uuid` shows now.
    fn read(&mut self, uuid: &str) -> Reading;
}

/// A device to be watched.
pub(crate) struct Watched {
    pub(crate) slot: usize,
    pub(crate) uuid: String,
}

/// Reads `devices` with what `open` gives, on a thread of its own, for as long as anybody listens.
pub(crate) fn watch(
    devices: Vec<Watched>,
    period: Duration,
    open: impl FnOnce() -> Option<Box<dyn Gauge>> + Send + 'static,
    events: mpsc::UnboundedSender<Event>,
) {
    let read = move || {
        let Some(mut gauge) = open() else { return };
        let mut charts: Vec<(Watched, Chart)> = devices.into_iter().map(|device| (device, Chart::default())).collect();
        loop {
            for (Watched { slot, uuid }, chart) in &mut charts {
                let Some(condition) = chart.enter(gauge.read(uuid)) else { continue };
                if events.send(Event::Health { slot: *slot, condition }).is_err() {
                    return;
                }
            }
            thread::sleep(period);
            if events.is_closed() {
                return;
            }
        }
    };
    if let Err(error) = thread::Builder::new().name("health".to_owned()).spawn(read) {
        tracing::warn!(%error, "the health of GPUs is not watched");
    }
}

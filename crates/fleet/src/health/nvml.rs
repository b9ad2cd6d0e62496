//! Health of GPUs as the NVIDIA driver shows it (NVML). A device or a driver may leave any question without an answer.

use std::collections::HashMap;
use std::sync::OnceLock;

use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enum_wrappers::device::{EccCounter, MemoryError};
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, EventSet, Nvml};

use super::gauge::{Gauge, Reading};

/// Slowdowns by heat and by the power supply. A limit of power that an administrator has set does not count: it is always on.
const SLOWDOWNS: ThrottleReasons = ThrottleReasons::HW_SLOWDOWN
    .union(ThrottleReasons::HW_THERMAL_SLOWDOWN)
    .union(ThrottleReasons::SW_THERMAL_SLOWDOWN)
    .union(ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN);
/// Most XIDs in one reading: a device in trouble may log faster than anybody reads.
const MOST: usize = 64;

/// The driver, opened once: sets of events live as long as it does.
pub(crate) fn driver() -> Result<&'static Nvml, String> {
    static DRIVER: OnceLock<Nvml> = OnceLock::new();
    if let Some(driver) = DRIVER.get() {
        return Ok(driver);
    }
    let opened = Nvml::init().map_err(|error| format!("the NVIDIA driver does not answer: {error}"))?;
    Ok(DRIVER.get_or_init(|| opened))
}

/// Reads devices through NVML.
pub struct NvmlGauge {
    driver: &'static Nvml,
    /// Subscriptions to the errors of each device, by UUID; `None` where the device does not report errors.
    events: HashMap<String, Option<EventSet<'static>>>,
}

impl NvmlGauge {
    /// Opens the driver; `None` if there is none.
    pub fn open() -> Option<Box<dyn Gauge>> {
        let driver = driver().inspect_err(|error| tracing::info!(error, "the health of GPUs is not watched")).ok()?;
        Some(Box::new(Self { driver, events: HashMap::new() }))
    }

    /// XIDs of errors that were logged since the last reading. NVML keeps the last of several errors at once.
    fn xids(&mut self, uuid: &str, device: &Device<'static>) -> Vec<u64> {
        let driver = self.driver;
        let register = || {
            let set = driver.create_event_set().ok()?;
            device.register_events(EventTypes::CRITICAL_XID_ERROR, set).ok()
        };
        let Some(set) = self.events.entry(uuid.to_owned()).or_insert_with(register) else { return Vec::new() };
        let events = std::iter::from_fn(|| set.wait(0).ok()).take(MOST);
        let xids = events.filter_map(|event| match event.event_data {
            Some(XidError::Value(xid)) => Some(xid),
            _ => None,
        });
        xids.collect()
    }
}

impl Gauge for NvmlGauge {
    fn read(&mut self, uuid: &str) -> Reading {
        let mut reading = Reading::default();
        let device = match self.driver.device_by_uuid(uuid) {
            Ok(device) => device,
            // It was there when the sweep began.
            Err(error @ (NvmlError::GpuLost | NvmlError::ResetRequired | NvmlError::NotFound)) => {
                return Reading { gone: Some(words(&error)), ..reading };
            }
            Err(_) => return reading,
        };
        reading.xids = self.xids(uuid, &device);
        let Reading { gone, uncorrected, retiring, throttled, .. } = &mut reading;
        *uncorrected = ask(device.total_ecc_errors(MemoryError::Uncorrected, EccCounter::Volatile), gone);
        *retiring = ask(device.are_pages_pending_retired(), gone);
        *throttled = ask(device.current_throttle_reasons(), gone).map(|reasons| reasons.intersects(SLOWDOWNS));
        reading
    }
}

/// The answer of the driver, if there is one. An error which says that the device is lost is noted in `gone`.
fn ask<T>(answer: Result<T, NvmlError>, gone: &mut Option<String>) -> Option<T> {
    if let Err(error @ (NvmlError::GpuLost | NvmlError::ResetRequired)) = &answer {
        gone.get_or_insert_with(|| words(error));
    }
    answer.ok()
}

fn words(error: &NvmlError) -> String {
    format!("the NVIDIA driver says: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_says_that_the_device_is_lost_counts_and_a_missing_one_does_not() {
        for error in [NvmlError::GpuLost, NvmlError::ResetRequired] {
            let mut gone = None;
            assert_eq!(ask::<u64>(Err(error), &mut gone), None);
            assert!(gone.is_some_and(|text| text.contains("driver says")));
        }
        for error in [NvmlError::NotSupported, NvmlError::NoPermission, NvmlError::Unknown, NvmlError::NotFound] {
            let mut gone = None;
            assert_eq!(ask::<u64>(Err(error), &mut gone), None);
            assert_eq!(gone, None);
        }
        assert_eq!(ask(Ok(7), &mut None), Some(7));
    }
}

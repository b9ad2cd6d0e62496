//! Device of this process, as stores record the device.

use machine::{gpu_driver, processor};
use sweep::computed_by::{ComputedBy, Path};
use tch::Device;

/// Record of `device`, where maps are computed by this `path`.
pub(super) fn of(path: Path, device: Device) -> ComputedBy {
    if device == Device::Cpu {
        return ComputedBy { device: processor::product_name(), isa: Some(network::isa()), driver: None, path };
    }
    let (device, driver) = gpu();
    ComputedBy { device, isa: None, driver, path }
}

/// The model of the GPU that this process sees, and the version of its driver, as the driver's files tell.
fn gpu() -> (String, Option<String>) {
    let seen = std::env::var("CUDA_VISIBLE_DEVICES").unwrap_or_default();
    (gpu_driver::model(&seen).unwrap_or_else(|| "GPU".to_owned()), gpu_driver::version())
}

//! What this process computes on, as stores record it.

use std::fs;

use sweep::host;
use sweep::machine::{ComputedBy, Path};
use tch::Device;

/// What computes maps on `device` by this `path`.
pub(super) fn of(path: Path, device: Device) -> ComputedBy {
    if device == Device::Cpu {
        return ComputedBy { device: host::processor(), isa: Some(network::isa()), driver: None, path };
    }
    let (device, driver) = gpu();
    ComputedBy { device, isa: None, driver, path }
}

/// The model of the GPU that this process sees, and the version of its driver, as the driver's files tell.
fn gpu() -> (String, Option<String>) {
    let seen = std::env::var("CUDA_VISIBLE_DEVICES").unwrap_or_default();
    let cards = fs::read_dir("/proc/driver/nvidia/gpus").into_iter().flatten().flatten();
    let mut texts = cards.filter_map(|card| fs::read_to_string(card.path().join("information")).ok());
    let model = texts.find_map(|text| model(&text, &seen)).unwrap_or_else(|| "GPU".to_owned());
    let driver = fs::read_to_string("/proc/driver/nvidia/version").ok();
    (model, driver.as_deref().and_then(version).map(str::to_owned))
}

/// The model in `information`, if it is that of the GPU with UUID `seen`.
fn model(information: &str, seen: &str) -> Option<String> {
    let field = |name: &str| {
        let line = information.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    (seen.is_empty() || field("GPU UUID")? == seen).then(|| field("Model"))?
}

/// The first number with dots in it.
fn version(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| {
        word.contains('.')
            && word.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_files_tell_the_model_and_the_version() {
        let card = "Model: \t\t NVIDIA H200\nIRQ:   \t\t 42\nGPU UUID: \t GPU-1f\nVideo BIOS: \t 96.00\n";
        assert_eq!(model(card, "GPU-1f").as_deref(), Some("NVIDIA H200"));
        assert_eq!(model(card, "GPU-2f"), None);
        assert_eq!(model(card, "").as_deref(), Some("NVIDIA H200"));
        let text =
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build\nGCC version: 12.2.0\n";
        assert_eq!(version(text), Some("570.124.06"));
    }
}

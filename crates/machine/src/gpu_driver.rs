//! The NVIDIA driver as its files show it, without a call to the driver.

use std::fs;

/// The model of the GPU with this UUID; of an empty UUID, the model of the first GPU that the driver lists. `None` where there
/// is no such GPU or no driver.
pub fn model(uuid: &str) -> Option<String> {
    let cards = fs::read_dir("/proc/driver/nvidia/gpus").into_iter().flatten().flatten();
    let mut texts = cards.filter_map(|card| fs::read_to_string(card.path().join("information")).ok());
    texts.find_map(|text| model_in(&text, uuid))
}

fn model_in(information: &str, uuid: &str) -> Option<String> {
    let field = |name: &str| {
        let line = information.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    (uuid.is_empty() || field("GPU UUID")? == uuid).then(|| field("Model"))?
}

/// The version of the driver; `None` where there is no driver.
pub fn version() -> Option<String> {
    version_in(&fs::read_to_string("/proc/driver/nvidia/version").ok()?).map(str::to_owned)
}

/// The first number with dots in it.
fn version_in(text: &str) -> Option<&str> {
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
        assert_eq!(model_in(card, "GPU-1f").as_deref(), Some("NVIDIA H200"));
        assert_eq!(model_in(card, "GPU-2f"), None);
        assert_eq!(model_in(card, "").as_deref(), Some("NVIDIA H200"));
        let text =
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build\nGCC version: 12.2.0\n";
        assert_eq!(version_in(text), Some("570.124.06"));
    }
}

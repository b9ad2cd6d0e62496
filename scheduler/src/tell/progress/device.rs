//! A device in one line: what it does, how fast, and what its driver or the system says.

use page::Device;
use serde_json::{Value, json};

use crate::tell::size;

/// State of the device, in one word for programs.
fn state(device: &Device) -> &'static str {
    match (device.works, device.units.is_empty()) {
        (false, _) => "no worker",
        (true, true) => "waits",
        (true, false) => "computes",
    }
}

/// Maps a second while the device computed maps; `None` before its first unit of maps is done.
fn rate(device: &Device) -> Option<f64> {
    (device.mapping > 0.0 && device.maps > 0).then(|| device.maps as f64 / device.mapping)
}

/// Line for a person.
pub(super) fn line(device: &Device) -> String {
    let unit = device.units.first().map(|running| short(&running.unit));
    let does = unit.unwrap_or_else(|| if device.works { "waits for work".into() } else { "no worker yet".into() });
    let rate = rate(device).map(|rate| format!("{rate:.1} maps/s"));
    let memory = device.memory.map(size);
    let figures: Vec<String> = [rate, memory].into_iter().flatten().collect();
    let figures = if figures.is_empty() { String::new() } else { format!(" | {}", figures.join(", ")) };
    // The figures come first: what is too wide for a terminal is cut off at its end.
    format!("{}{figures} | {does}", device.name)
}

/// `dataset-rgb_model-resnet18_noise-clean_split-test/3` as `rgb resnet18 clean test, shard 3`.
fn short(unit: &str) -> String {
    let Some((group, part)) = unit.split_once('/') else { return unit.to_owned() };
    let mut words = group.to_owned();
    for name in ["dataset-", "_model-", "_noise-", "_split-"] {
        words = words.replacen(name, if name.starts_with('_') { " " } else { "" }, 1);
    }
    if part.starts_with(|letter: char| letter.is_ascii_digit()) {
        format!("{words}, shard {part}")
    } else {
        format!("{words}, {part}")
    }
}

/// State of `device` as a JSON object.
pub(super) fn json(device: &Device) -> Value {
    json!({
        "slot": device.slot,
        "name": device.name,
        "state": state(device),
        "unit": device.units.first().map(|running| &running.unit),
        "maps": device.maps,
        "rate": rate(device),
        "memory": device.memory,
    })
}

#[cfg(test)]
mod tests {
    use page::Running;

    use super::*;

    #[test]
    fn a_device_is_told_by_what_it_does_and_how_fast() {
        let unit = "dataset-rgb_model-resnet18_noise-clean_split-test/3".to_owned();
        let mut device = Device { name: "cpu:0".to_owned(), ..Device::default() };
        assert_eq!(line(&device), "cpu:0 | no worker yet");
        device.works = true;
        assert_eq!(line(&device), "cpu:0 | waits for work");
        device.units.push(Running { unit, attempt: 1, since: 0.0 });
        (device.maps, device.mapping, device.memory) = (25, 2.0, Some(1_500_000_000));
        // Eight more seconds of scores.
        device.computing = 10.0;
        assert_eq!(line(&device), "cpu:0 | 12.5 maps/s, 1.5 GB | rgb resnet18 clean test, shard 3");
        assert_eq!((&json(&device)["state"], &json(&device)["rate"]), (&"computes".into(), &12.5.into()));
        assert_eq!(short("dataset-a_b_model-m_noise-n_split-s/means"), "a_b m n s, means");
    }
}

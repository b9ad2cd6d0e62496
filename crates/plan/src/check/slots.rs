//! Devices of a sweep, and the launcher that starts workers on them.

use fleet::{FleetError, Slot, launchers};
use sweep::config::Config;
use sweep::problem::{Problems, nearest};

/// Finds the devices of the config, each with the memory that its worker may hold.
pub(super) fn slots(config: &Config) -> Result<Vec<Slot>, FleetError> {
    let ours = fleet::survivors(&config.paths.output_dir);
    let gpus: Vec<String> = ours.iter().filter_map(|survivor| survivor.gpu.clone()).collect();
    let mut slots = fleet::slots(&config.devices(), &gpus)?;
    let free = fleet::budgets(&slots, &ours);
    for (slot, free) in slots.iter_mut().zip(free) {
        slot.memory = config.settings.memory.filter(|_| slot.gpu.is_none()).or(free);
        if let (Some(threads), None) = (config.settings.threads, &slot.gpu) {
            slot.threads = threads;
        }
    }
    Ok(slots)
}

/// Finds the launcher that the config names, or the first one of the list.
pub(super) fn launcher(config: &Config, problems: &mut Problems) -> Option<&'static launchers::Entry> {
    let name = config.settings.launcher.as_ref();
    let found = launchers::find(name.map(|(name, _)| name.as_str()));
    if let (None, Some((name, line))) = (found, name) {
        let hint = nearest(name, launchers::LAUNCHERS.iter().map(|entry| entry.name));
        problems.add(*line, "launcher", format!("unknown launcher `{name}`, {hint}"));
    }
    found
}

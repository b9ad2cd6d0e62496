//! Devices of a sweep, and the launcher that starts workers on them.

use fleet::FleetError;
use fleet::launchers::{self, Offer, Wanted};
use sweep::config::Config;
use sweep::problem::{Problems, nearest};

/// Slots that `launcher` offers for the config, each with the memory that its worker may hold.
pub(super) fn slots(config: &Config, launcher: &launchers::Entry) -> Result<Offer, FleetError> {
    let launcher = (launcher.build)();
    let survivors = fleet::survivors(&config.paths.output_dir, launcher.as_ref());
    let (threads, memory) = (config.settings.threads, config.settings.memory);
    launcher.offer(&Wanted { devices: &config.devices(), threads, memory, survivors: &survivors })
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

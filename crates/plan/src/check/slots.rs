//! Devices of a sweep, and the launcher that starts workers on them.

use fleet::FleetError;
use fleet::launchers::{Launcher, Offer, Wanted};
use sweep::config::Config;

/// Slots that `launcher` offers for the config, each with the memory that its worker may hold.
pub(super) fn slots(config: &Config, launcher: &dyn Launcher) -> Result<Offer, FleetError> {
    let survivors = fleet::survivors(&config.paths.output_dir, launcher);
    let (threads, memory) = (config.settings.threads, config.settings.memory);
    launcher.offer(&Wanted { devices: &config.devices(), threads, memory, survivors: &survivors })
}

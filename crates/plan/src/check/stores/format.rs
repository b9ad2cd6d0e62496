//! Format of finished stores that a config asks for.

use store::FORMATS;
use store::formats::Entry;
use sweep::config::Config;
use sweep::problem::{Problems, nearest};

/// The store format that `config` names; the first format if it names none or an unknown one, which is a problem.
pub(in crate::check) fn format(config: &Config, problems: &mut Problems) -> &'static Entry {
    let first = FORMATS.0[0];
    let Some((name, line)) = &config.settings.store.format else { return first };
    FORMATS.named(name).unwrap_or_else(|| {
        let hint = nearest(name, FORMATS.0.iter().map(|entry| entry.name));
        problems.add(*line, "store.format", format!("unknown format `{name}`, {hint}"));
        first
    })
}

//! The config file: the schema of the reference scripts as it is, and a few optional keys on top.
//!
//! Reading never stops at a mistake: a value that cannot be read is noted in [`Problems`] and replaced by its default, so that
//! mistakes which later checks find (files, parameters) are reported together with it. A config may be used only if no problem
//! was noted.

mod evaluation;
mod experiments;
mod indices;
mod paths;
mod places;
mod reference;
mod running;
mod search_space;
mod settings;
mod weights;

use std::io;
use std::path::{Path, PathBuf};

pub use evaluation::{Metric, Options};
pub use experiments::{Experiment, Found, MeanOf, Proposed, Reference, Windows};
use experiments::{flat, mapping};
pub use indices::MOST_CHOSEN;
pub use paths::{BASE, Bases, INPUT_ZARR, OWN_WEIGHTS, Paths};
pub use reference::page as reference;
pub use running::launcher::Chosen;
pub use running::page::{PageSettings, is_token};
pub use running::scheduler::{Preflight, Scheduler};
pub use search_space::{LEAST_SIZE, MOST_SIZE, MOST_VARIANTS, Method, NoiseCondition, SearchSpace, Split};
pub use settings::{Compression, Devices, Settings, StoreSettings};
pub use weights::{Expectation, Expected, Normalizations, WeightSets};

use crate::yaml::problem::Problems;
use crate::yaml::{self, Fields};

/// File name of the config, in the working folder, where a command names no config; the reference scripts use the same name.
pub const DEFAULT_FILE: &str = "config.yml";

/// The content of a config file.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    /// The reference experiment whose script would run this config, where there is one.
    pub reference: Option<Reference>,
    /// Folders.
    pub paths: Paths,
    /// The grid.
    pub search_space: SearchSpace,
    /// Sources of batch sizes.
    pub preflight: Preflight,
    /// Retries and deadlines.
    pub scheduler: Scheduler,
    /// Metrics of maps, with lists in their parameters not yet expanded.
    pub evaluation: Vec<Metric>,
    /// The page that shows the sweep while it runs, if the config asks for one.
    pub page: Option<PageSettings>,
    /// Values of the keys that the reference schema does not have.
    pub settings: Settings,
    /// Ending of the names of stores, behind the split; mostly empty.
    pub suffix: &'static str,
}

impl Config {
    /// Reads `file` and notes every mistake in `problems`. `None` if the file is no YAML at all.
    pub fn read(file: &Path, problems: &mut Problems) -> Option<Self> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                problems.add(0, "", "is no text in UTF-8, which a config is; save it in that encoding");
                return None;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                problems.add(0, "", "is not there; name the config of the sweep with `--config <file>`");
                return None;
            }
            Err(error) => {
                problems.add(0, "", format!("cannot read the config: {error}"));
                return None;
            }
        };
        Self::parse(file, &text, problems)
    }

    /// Reads `text`, the content of `file`, in the same way as [`Config::read`].
    pub fn parse(file: &Path, text: &str, problems: &mut Problems) -> Option<Self> {
        let root = match yaml::parse(text) {
            Ok(root) => root,
            Err((line, message)) => {
                problems.add(line, "", message);
                return None;
            }
        };
        let mut fields = Fields::root(&root, places::PLACES, problems);
        let reference = Reference::read(&mut fields);
        let settings = Settings::read(&mut fields, reference.map(|reference| reference.experiment));
        let mapped = mapping::read(&mut fields, settings.as_script);
        let suffix = if mapped.is_some() { mapping::SUFFIX } else { "" };
        let flat = fields.section(flat::SECTION, flat::Settings::read);
        let sections = if flat.is_some() { &["paths"][..] } else { &["paths", "search_space"] };
        for key in sections {
            if fields.node(key).is_none() {
                fields.problem(key, "missing, expected a mapping of keys");
            }
        }
        let paths = fields.section("paths", Paths::read).unwrap_or_default();
        let grid = match &flat {
            Some(flat) => Some(flat.grid(&mut fields)),
            None => fields.section("search_space", |space| SearchSpace::read(space, mapped.clone())),
        };
        let mut config = Self {
            file: file.to_owned(),
            reference,
            paths,
            search_space: grid.unwrap_or_default(),
            preflight: fields.section("preflight_check", Preflight::read).unwrap_or_default(),
            scheduler: fields.section("scheduler", Scheduler::read).unwrap_or_default(),
            evaluation: evaluation::read(&mut fields),
            page: fields.section("page", PageSettings::read),
            settings,
            suffix,
        };
        let wanted = reference.is_some_and(|reference| reference.experiment.is_mapped);
        mapping::check(&mut fields, (mapped.is_some(), wanted), &config.paths, &config.search_space);
        if let (None, Some(format)) =
            (&config.settings.store.format, reference.and_then(|reference| reference.experiment.stores))
        {
            config.settings.store.format = Some((format.to_owned(), fields.line_of("reference")));
        }
        if let Some(flat) = flat {
            config.preflight.proposed = flat.proposed;
            config.scheduler.available_gpus = config.scheduler.available_gpus.or(flat.gpu.map(|gpu| vec![gpu]));
        }
        // A name and a description of the experiment, which the reference scripts do not use either.
        fields.node("experiment");
        fields.finish();
        for (model, line) in config.settings.weights.unknown(&config.search_space.model_flags) {
            let text = "no such model in `search_space.model_flags`";
            problems.add(line, format!("weights.set.{model}"), text);
        }
        Some(config)
    }

    /// Devices of the workers: `devices`, or else the GPUs of `scheduler.available_gpus`, or else all idle devices.
    pub fn devices(&self) -> Devices {
        let gpus = || self.scheduler.available_gpus.clone().filter(|gpus| !gpus.is_empty()).map(Devices::Gpus);
        self.settings.devices.clone().or_else(gpus).unwrap_or(Devices::Auto)
    }
}

#[cfg(test)]
mod tests;

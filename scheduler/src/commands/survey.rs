//! Survey of the stores of a config, as they are now: found by name, read by what they say of themselves.
//!
//! A survey asks no worker and locks nothing, so that it works at once, anywhere, and beside a running scheduler.

use std::path::PathBuf;

use data::datasets::{self, KEY};
use data::formats::{Options, Source};
use plan::Wishes;
use plan::exit::Failure;
use store::{Described, FORMATS, StoreError};
use sweep::config::{Config, Split};
use sweep::group::store_name;
use sweep::problem::Problems;

use super::args::ConfigArg;

/// Stores of a config.
pub(crate) struct Survey {
    pub(crate) config: Config,
    /// Keys of every variant that the config asks for.
    pub(crate) keys: Vec<String>,
    pub(crate) stores: Vec<Surveyed>,
}

/// Store of one group.
pub(crate) struct Surveyed {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) flag: String,
    pub(crate) split: Split,
    pub(crate) model: String,
    pub(crate) noise: String,
    /// Number of images that the config asks for, where the dataset exists.
    pub(crate) images: Option<u64>,
    /// Description that the store gives of itself, if the store exists.
    pub(crate) state: Result<Option<Box<Described>>, StoreError>,
}

/// Reads the config that `asked` names and looks at its stores.
pub(crate) fn survey(asked: &ConfigArg) -> Result<Survey, Failure> {
    let mut problems = Problems::new(&asked.config);
    let Some(mut config) = Config::read(&asked.config, &mut problems) else { return Err(problems.into()) };
    let wishes = Wishes { limit: asked.limit, output: asked.output.clone(), ..Wishes::default() };
    wishes.apply(&mut config);
    let flags = datasets::named(&config, &mut problems);
    problems.into_result()?;
    let keys = config.search_space.methods.iter().flat_map(|method| method.variants().map(|(key, _)| key)).collect();
    let mut stores = Vec::new();
    for flag in flags.iter().map(|(flag, _)| flag) {
        for (split, _) in &config.search_space.splits {
            let limited = |images: u64| config.settings.limit.map_or(images, |limit| limit.min(images));
            let mut images = None;
            for (model, _) in &config.search_space.model_flags {
                for noise in &config.search_space.noises {
                    let of = (model.as_str(), noise.name.as_str());
                    // Groups have the same images, unless each has those of its base.
                    if images.is_none() || !config.paths.bases.is_empty() {
                        images = Some(source(&config, flag, *split, of).ok().map(|source| limited(source.1.len())));
                    }
                    let name = store_name(flag, model, &noise.name, split.name()) + config.suffix;
                    let folder = FORMATS.place(&config.paths.output_dir, &name);
                    let state = store::describe(&folder).map(|described| described.map(Box::new));
                    // What a sweep leaves out it has not begun, or the data was there then.
                    if matches!(state, Ok(None)) && datasets::unfit(&config, flag).is_some() {
                        continue;
                    }
                    let (model, noise) = (model.clone(), noise.name.clone());
                    let (flag, split, images) = (flag.clone(), *split, images.flatten());
                    stores.push(Surveyed { name, folder, flag, split, model, noise, images, state });
                }
            }
        }
    }
    Ok(Survey { config, keys, stores })
}

/// Opens dataset `flag` of `config`, or the base of the group with `model` and `noise`: the name of its format, and its `split`. The error is
/// one sentence.
pub(crate) fn source(
    config: &Config,
    flag: &str,
    split: Split,
    (model, noise): (&str, &str),
) -> Result<(&'static str, Box<dyn Source>), String> {
    let (file, entry) = if let Some(base) = datasets::base(config, flag, split, (model, noise)) {
        base.map_err(|expected| format!("there is no store `{}`", expected.display()))?
    } else {
        let mut problems = Problems::new(&config.file);
        datasets::locate(config, (flag, 0), &mut problems).ok_or_else(|| {
            let told = problems.list().first().map(|problem| problem.text.clone());
            told.unwrap_or_else(|| format!("{KEY}: no data for `{flag}`"))
        })?
    };
    let opened = entry.open(&file, split.name(), &Options::of(config));
    Ok((entry.name, opened.map_err(|error| error.to_string())?))
}

impl Surveyed {
    /// Opens the images of the store, as [`source`] does.
    pub(crate) fn source(&self, config: &Config) -> Result<Box<dyn Source>, String> {
        Ok(source(config, &self.flag, self.split, (&self.model, &self.noise))?.1)
    }
}

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
use sweep::variant::{expand, key};

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
    let methods = config.search_space.methods.iter();
    let keys = methods.flat_map(|method| expand(&method.params).into_iter().map(|given| key(&method.name, &given)));
    let keys = keys.collect();
    let mut stores = Vec::new();
    for flag in flags.iter().map(|(flag, _)| flag) {
        for (split, _) in &config.search_space.splits {
            let images = source(&config, flag, *split).ok().map(|source| source.1.len());
            let images = images.map(|images| config.settings.limit.map_or(images, |limit| limit.min(images)));
            for (model, _) in &config.search_space.model_flags {
                for noise in &config.search_space.noises {
                    let name = store_name(flag, model, &noise.name, split.name());
                    let folder = FORMATS.place(&config.paths.output_dir, &name);
                    let state = store::describe(&folder).map(|described| described.map(Box::new));
                    // What a sweep leaves out it has not begun, or the data was there then.
                    if matches!(state, Ok(None)) && datasets::unfit(&config, flag).is_some() {
                        continue;
                    }
                    stores.push(Surveyed { name, folder, flag: flag.clone(), split: *split, images, state });
                }
            }
        }
    }
    Ok(Survey { config, keys, stores })
}

/// Opens dataset `flag` of `config`: the name of its format, and its `split`. The error is one sentence.
pub(crate) fn source(config: &Config, flag: &str, split: Split) -> Result<(&'static str, Box<dyn Source>), String> {
    let mut problems = Problems::new(&config.file);
    let Some((file, entry)) = datasets::locate(config, (flag, 0), &mut problems) else {
        let told = problems.list().first().map(|problem| problem.text.clone());
        return Err(told.unwrap_or_else(|| format!("{KEY}: no data for `{flag}`")));
    };
    let opened = entry.open(&file, split.name(), &Options::of(config));
    Ok((entry.name, opened.map_err(|error| error.to_string())?))
}

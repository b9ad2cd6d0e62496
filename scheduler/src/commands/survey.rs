//! Survey of the stores of a config, as they are now: found by name, read by what they say of themselves.
//!
//! A survey asks no worker and locks nothing, so that it works at once, anywhere, and beside a running scheduler.

use std::path::PathBuf;

use data::datasets::{self, KEY};
use data::formats::{self, Options, Source};
use data::stored::Stored;
use plan::Wishes;
use plan::adoption::{ADOPTED, AdoptedMaps, Adoption};
use plan::exit::{Code, Failure};
use store::{Described, FORMATS, StoreError, attribution};
use sweep::config::{Config, Split};
use sweep::group::store_name;
use sweep::problem::Problems;

use super::args::ConfigArg;

/// Stores of a config.
pub(crate) struct Survey {
    pub(crate) config: Config,
    pub(crate) stores: Vec<Surveyed>,
    /// Stores of other programs that were adopted.
    pub(crate) adopted: Vec<AdoptedStore>,
}

/// A store of another program that was adopted.
pub(crate) struct AdoptedStore {
    pub(crate) place: PathBuf,
    pub(crate) record: Adoption,
}

/// Store of one group.
pub(crate) struct Surveyed {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// Keys of the variants that the config asks of the store.
    pub(crate) keys: Vec<String>,
    /// Adopted store of another program that images, labels and predictions are taken of.
    pub(crate) base: Option<PathBuf>,
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
    let keys: Vec<String> =
        config.search_space.methods.iter().flat_map(|method| method.variants().map(|(key, _)| key)).collect();
    let (mut stores, mut adopted) = (Vec::new(), Vec::new());
    for flag in flags.iter().map(|(flag, _)| flag) {
        for (split, _) in &config.search_space.splits {
            let limited = |images: u64| config.settings.limit.map_or(images, |limit| limit.min(images));
            let mut images = None;
            for (model, _) in &config.search_space.model_flags {
                for noise in &config.search_space.noises {
                    let of = (model.as_str(), noise.name.as_str());
                    // Groups have the same images, unless each has those of its base.
                    if images.is_none() || !config.paths.bases.is_empty() || !adopted.is_empty() {
                        images = Some(source(&config, flag, *split, of).ok().map(|source| limited(source.1.len())));
                    }
                    let name = store_name(flag, model, &noise.name, split.name()) + config.suffix;
                    let (name, keys, base) = match adoption(&config, &name, &keys)? {
                        Some((store, lacking)) => {
                            let beside = (name + ADOPTED, lacking, Some(store.place.clone()));
                            images = Some(Some(limited(store.record.images)));
                            adopted.push(store);
                            beside
                        }
                        None => (name, keys.clone(), None),
                    };
                    let folder = FORMATS.place(&config.paths.output_dir, &name);
                    // One that is there all the same was made by a config with other facts.
                    if keys.is_empty() && base.is_some() && !store::exists(&folder) {
                        continue;
                    }
                    let theirs = FORMATS.theirs(&config.paths.output_dir, &name).filter(|_| base.is_none());
                    let state = theirs.map_or_else(|| store::describe(&folder), |place| Err(store::theirs(place)));
                    let state = state.map(|described| described.map(Box::new));
                    // What a sweep leaves out it has not begun, or the data was there then.
                    if matches!(state, Ok(None)) && datasets::unfit(&config, flag).is_some() {
                        continue;
                    }
                    let (model, noise) = (model.clone(), noise.name.clone());
                    let (flag, split, images) = (flag.clone(), *split, images.flatten());
                    stores.push(Surveyed { name, folder, keys, base, flag, split, model, noise, images, state });
                }
            }
        }
    }
    Ok(Survey { config, stores, adopted })
}

/// The store called `name` of another program, if it was adopted, and those of `keys` that it lacks.
fn adoption(config: &Config, name: &str, keys: &[String]) -> Result<Option<(AdoptedStore, Vec<String>)>, Failure> {
    let folder = &config.paths.output_dir;
    let Some(place) = FORMATS.theirs(folder, name) else { return Ok(None) };
    let record = Adoption::read(&Adoption::file(folder, name));
    let record = record.map_err(|text| Failure { code: Code::Storage, text })?;
    Ok(record.map(|record| {
        let lacking = keys.iter().filter(|key| !record.maps.contains_key(*key)).cloned().collect();
        (AdoptedStore { place, record }, lacking)
    }))
}

impl AdoptedStore {
    /// Reason, in a sentence, for which the store is not the one that was adopted.
    pub(crate) fn fault(&self) -> Option<String> {
        let opened = formats::open(formats::BASE, &self.place, "", &Options::default());
        let content = opened.map(|source| source.content());
        let stored = Stored::open(&self.place);
        let is_same = |maps: (&String, &AdoptedMaps)| {
            let rows = stored.as_ref().ok().and_then(|stored| stored.rows(&attribution(maps.0)).ok());
            rows.is_some_and(|rows| rows.content() == maps.1.content)
        };
        match content {
            Err(error) => Some(error.to_string()),
            Ok(content) if content != self.record.content => {
                Some("its images, labels or predictions have changed".to_owned())
            }
            Ok(_) => {
                let changed = self.record.maps.iter().find(|maps| !is_same(*maps));
                changed.map(|(key, _)| format!("its maps of {key} have changed"))
            }
        }
    }
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
        if let Some(base) = &self.base {
            let opened = formats::open(formats::BASE, base, self.split.name(), &Options::default());
            return opened.map_err(|error| error.to_string());
        }
        Ok(source(config, &self.flag, self.split, (&self.model, &self.noise))?.1)
    }
}

//! Bases: stores of earlier sweeps or scripts whose images, labels and predictions are taken, one for each group.

use std::path::{Path, PathBuf};

use data::datasets;
use data::formats::{self, Entry};
use serde_json::json;
use sweep::config::{Config, NoiseCondition, Split};
use sweep::preprocessing::Preprocessing;
use sweep::problem::Problems;

use super::dataset::{self, Dataset};

/// Opens the base of every group of `config`.
pub(super) fn open(config: &Config, flags: &[(String, u64)], problems: &mut Problems) -> Vec<Dataset> {
    let mut found = Vec::new();
    for (flag, line) in flags {
        for (split, _) in &config.search_space.splits {
            for (model, _) in &config.search_space.model_flags {
                for noise in &config.search_space.noises {
                    let base = Wanted { config, flag, split: *split, model, noise };
                    match base.open() {
                        Ok(base) => {
                            dataset::check(&base, config.search_space.image_size, *line, problems);
                            found.push(base);
                        }
                        Err(text) => problems.add(0, base.key(), text),
                    }
                }
            }
        }
    }
    found
}

/// Group whose base is looked for.
struct Wanted<'a> {
    config: &'a Config,
    flag: &'a str,
    split: Split,
    model: &'a str,
    noise: &'a NoiseCondition,
}

impl Wanted<'_> {
    /// Key of the folder of the base.
    fn key(&self) -> &'static str {
        self.config.paths.bases.of(self.model).map_or(sweep::config::BASE, |(_, key)| key)
    }

    /// Opens the base. The error is one sentence.
    fn open(&self) -> Result<Dataset, String> {
        let Self { config, flag, split, model, noise } = *self;
        let (place, entry) = self.place()?;
        let told = |error: data::DataError| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("{error}{cause}")
        };
        let facts = formats::base_facts(&place).map_err(told)?;
        self.fits(&place, &facts)?;
        let dataset = dataset::read(config, flag, split, &(place, entry)).map_err(told)?;
        Ok(Dataset { of: Some((model.to_owned(), noise.name.clone())), ..dataset })
    }

    fn place(&self) -> Result<(PathBuf, &'static Entry), String> {
        let Self { config, flag, split, model, noise } = *self;
        let found = datasets::base(config, flag, split, (model, &noise.name));
        let found = found.ok_or_else(|| format!("missing, expected the folder of the stores of {model}"))?;
        found.map_err(|expected| {
            format!(
                "no store `{}` or `{}.zip`, whose images, labels and predictions are to be taken: run the sweep or the script that makes it",
                expected.display(),
                expected.display()
            )
        })
    }

    /// Whether the base is of the same group, and was made as the config says. The error is one sentence.
    fn fits(&self, place: &Path, facts: &formats::BaseFacts) -> Result<(), String> {
        let names = [self.flag, self.model, &self.noise.name, self.split.name()];
        for (wanted, told) in names.into_iter().zip(&facts.names) {
            if let Some(told) = told.as_ref().filter(|told| *told != wanted) {
                return Err(format!("`{}` says that it is of `{told}`, expected `{wanted}`", place.display()));
            }
        }
        let normalize = self.config.settings.normalize.of(self.flag, self.model).cloned().unwrap_or_default();
        let wanted = Preprocessing::default().normalized(Some(&normalize));
        let numbers = |of: &Preprocessing| json!([of.mean, of.std]).to_string();
        let (stored, asked) = (numbers(&facts.preprocessing), numbers(&wanted));
        if stored != asked {
            return Err(format!(
                "`{}` has images that were normalized by (mean, std) {stored}, and the config says {asked}: `normalize` gives the numbers",
                place.display()
            ));
        }
        Ok(())
    }
}

//! Mean images that a config needs: sound files, or files to be computed once everything else is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use data::datasets::{self, KEY};
use data::formats::Options;
use data::mean::{self, Found, Job, Mean, MeanError, Misfit, Place};
use sweep::config::{Config, MeanOf};
use sweep::group::{Group, MeanImage};
use sweep::problem::Problems;
use sweep::variant::Variant;

/// Mean image of every dataset, of its images as each model wants them, or of every group; none where no variant takes a mean image.
#[derive(Debug)]
pub struct Means {
    config: Config,
    /// By file.
    there: BTreeMap<PathBuf, Mean>,
    /// By file, each with the name of its dataset.
    missing: BTreeMap<PathBuf, (String, Job)>,
    /// Sentence for each file of which the split is not told by its name.
    notes: Vec<String>,
}

impl Means {
    /// Looks for the mean images of the datasets `flags`. Nothing is written.
    pub(crate) fn find(
        config: &Config,
        flags: &[(String, u64)],
        variants: &[Variant],
        problems: &mut Problems,
    ) -> Self {
        let mut means =
            Self { config: config.clone(), there: BTreeMap::new(), missing: BTreeMap::new(), notes: Vec::new() };
        let Some(Variant { key, .. }) = variants.iter().find(|variant| variant.needs_mean()) else { return means };
        let space = &config.search_space;
        for (flag, line) in flags {
            let dataset = match datasets::place(config, flag) {
                Ok(dataset) => Some(dataset),
                Err(expected) if !config.paths.bases.is_empty() => {
                    means.without_dataset(flag, (*line, key), &expected, problems);
                    None
                }
                // Where there is no dataset, that was told already.
                Err(_) => None,
            };
            let Some(dataset) = dataset else { continue };
            let mut seen = BTreeSet::new();
            for (model, _) in &space.model_flags {
                // Those of groups are looked for once there are groups.
                let Some(place) = Place::of(config, flag, model) else { return means };
                let file = place.file();
                if !seen.insert(file.clone()) {
                    continue;
                }
                means.notes.extend(note(&place));
                match mean::find(place, &dataset, &Options::of(config)) {
                    Ok(Found::There(mean)) => drop(means.there.insert(file, mean)),
                    Ok(Found::Missing(job)) => drop(means.missing.insert(file, (flag.clone(), job))),
                    Err(error) => problems.add(*line, KEY, format!("{} (baseline of `{key}`)", error.text())),
                }
            }
        }
        means
    }

    /// Looks for mean images of dataset `flag` that are there, as the images of which they could be made were `expected` in vain.
    fn without_dataset(&mut self, flag: &str, (line, key): (u64, &str), expected: &Path, problems: &mut Problems) {
        let config = self.config.clone();
        let places = config.search_space.model_flags.iter().filter_map(|(model, _)| Place::of(&config, flag, model));
        let files: BTreeSet<PathBuf> = places.map(|place| place.file()).collect();
        for file in files {
            if !file.exists() {
                let (file, data) = (file.display(), expected.display());
                let text = format!("no mean image `{file}`, and no `{data}` to make it of (baseline of `{key}`)");
                problems.add(line, "paths.means_dir", text);
                continue;
            }
            match mean::read(&file) {
                Ok(mean) => drop(self.there.insert(file, mean)),
                Err(error) => problems.add(line, "paths.means_dir", error.text()),
            }
        }
    }

    /// Looks for the mean images of `groups`, where the config wants the mean of each group's own images. Nothing is written.
    pub(crate) fn find_of_groups<'a>(&mut self, groups: impl Iterator<Item = &'a Group>, problems: &mut Problems) {
        if self.config.settings.mean_of != MeanOf::Group {
            return;
        }
        let needy = groups.filter(|group| group.variants.iter().any(Variant::needs_mean));
        for group in needy {
            let file = mean::file_of(&self.config, group);
            if self.there.contains_key(&file) || self.missing.contains_key(&file) {
                continue;
            }
            match mean::find_of_group(&self.config.paths.means_dir, group) {
                Ok(Found::There(mean)) => drop(self.there.insert(file, mean)),
                Ok(Found::Missing(job)) => drop(self.missing.insert(file, (group.dataset.clone(), job))),
                Err(error) => problems.add(0, "mean_of", error.text()),
            }
        }
    }

    /// Gives `group` its mean image, if a variant takes the image and the image exists.
    pub(crate) fn attach(&self, group: &mut Group) -> Result<(), MeanError> {
        let needed = group.variants.iter().any(Variant::needs_mean);
        let file = mean::file_of(&self.config, group);
        let Some(mean) = self.there.get(&file).filter(|_| needed) else { return Ok(()) };
        let misfit = |misfit: Misfit| MeanError::Content { file: file.clone(), reason: misfit.to_string() };
        mean.expanded(group.shape).map_err(misfit)?;
        group.input.mean = Some(MeanImage { sha256: mean.sha256(), file });
        Ok(())
    }

    /// Sentence for each file that is taken for the mean image of a split which its name does not tell.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Files that will be written.
    pub fn missing(&self) -> impl Iterator<Item = &Path> {
        self.missing.keys().map(PathBuf::as_path)
    }

    /// Computes and writes the missing mean images; whether there were any.
    pub(crate) fn compute(&mut self) -> Result<bool, MeanError> {
        let any = !self.missing.is_empty();
        while let Some((path, (flag, job))) = self.missing.pop_first() {
            let (file, started) = (path.display().to_string(), Instant::now());
            tracing::info!(dataset = flag, file, "computing the mean image");
            let (mean, images) = job.run()?;
            tracing::info!(
                dataset = flag,
                file,
                images,
                elapsed_ms = started.elapsed().as_millis(),
                "mean image written"
            );
            self.there.insert(path, mean);
        }
        Ok(any)
    }
}

/// Sentence about a file that is taken for the mean image of the split of which a script makes it.
fn note(place: &Place<'_>) -> Option<String> {
    let (taken, own) = (place.taken()?, place.own());
    Some(format!(
        "`{}` is taken for the mean image of the split `{}`, as the script of the reference makes it; if it is that of another split, \
         rename it, and `{}` is computed",
        taken.display(),
        place.split,
        own.display()
    ))
}

#[cfg(test)]
mod tests;

//! Mean images that a config needs: sound files, or files to be computed once everything else is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use data::datasets::KEY;
use data::formats::{self, Options};
use data::mean::{self, Found, Job, Mean, MeanError, Misfit, Place};
use sweep::config::{Config, Normalizations};
use sweep::group::{Group, MeanImage};
use sweep::problem::Problems;
use sweep::variant::Variant;

/// Mean image of every dataset, of its images as each model wants them; none where no variant takes a mean image.
#[derive(Debug, Default)]
pub struct Means {
    folder: PathBuf,
    normalize: Normalizations,
    /// By file.
    there: BTreeMap<PathBuf, Mean>,
    /// By file, each with the name of its dataset.
    missing: BTreeMap<PathBuf, (String, Job)>,
}

impl Means {
    /// Looks for the mean images of the datasets `flags`. Nothing is written.
    pub(crate) fn find(
        config: &Config,
        flags: &[(String, u64)],
        variants: &[Variant],
        problems: &mut Problems,
    ) -> Self {
        let (folder, normalize) = (config.paths.means_dir.clone(), config.settings.normalize.clone());
        let mut means = Self { folder, normalize, ..Self::default() };
        let Some(Variant { key, .. }) = variants.iter().find(|variant| variant.needs_mean()) else { return means };
        let space = &config.search_space;
        for (flag, line) in flags {
            // Where there is no dataset, that was told already.
            let Ok(dataset) = formats::locate(&config.paths.data_root, flag, space.image_size) else { continue };
            let mut seen = BTreeSet::new();
            for (model, _) in &space.model_flags {
                let place = means.place(flag, model);
                let file = place.file();
                if !seen.insert(file.clone()) {
                    continue;
                }
                match mean::find(place, &dataset, &Options::of(config)) {
                    Ok(Found::There(mean)) => drop(means.there.insert(file, mean)),
                    Ok(Found::Missing(job)) => drop(means.missing.insert(file, (flag.clone(), job))),
                    Err(error) => problems.add(*line, KEY, format!("{} (baseline of `{key}`)", error.text())),
                }
            }
        }
        means
    }

    /// Place of the mean image of `dataset`, of its images as `model` wants them.
    fn place<'a>(&'a self, dataset: &'a str, model: &str) -> Place<'a> {
        Place { folder: &self.folder, flag: dataset, normalize: self.normalize.of(dataset, model) }
    }

    /// Gives `group` its mean image, if a variant takes the image and the image exists.
    pub(crate) fn attach(&self, group: &mut Group) -> Result<(), MeanError> {
        let needed = group.variants.iter().any(Variant::needs_mean);
        let file = self.place(&group.dataset, &group.model).file();
        let Some(mean) = self.there.get(&file).filter(|_| needed) else { return Ok(()) };
        let misfit = |misfit: Misfit| MeanError::Content { file: file.clone(), reason: misfit.to_string() };
        mean.expanded(group.shape).map_err(misfit)?;
        group.input.mean = Some(MeanImage { sha256: mean.sha256(), file });
        Ok(())
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

#[cfg(test)]
mod tests;

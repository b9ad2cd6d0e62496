//! Mean images that a config needs: sound files, or files to be computed once everything else is checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use data::datasets::KEY;
use data::formats::{self, Options};
use data::mean::{self, Found, Job, Mean, MeanError, Misfit};
use sweep::config::Config;
use sweep::group::{Group, MeanImage};
use sweep::problem::Problems;
use sweep::variant::Variant;

/// Mean image of every dataset; none where no variant takes a mean image.
#[derive(Debug, Default)]
pub struct Means {
    there: BTreeMap<String, (PathBuf, Mean)>,
    missing: BTreeMap<String, Job>,
}

impl Means {
    /// Looks for the mean images of the datasets `flags`. Nothing is written.
    pub(crate) fn find(
        config: &Config,
        flags: &[(String, u64)],
        variants: &[Variant],
        problems: &mut Problems,
    ) -> Self {
        let mut means = Self::default();
        let Some(Variant { key, .. }) = variants.iter().find(|variant| variant.needs_mean()) else { return means };
        let folder = &config.paths.means_dir;
        let size = config.search_space.image_size;
        for (flag, line) in flags {
            // Where there is no dataset, that was told already.
            let Ok(dataset) = formats::locate(&config.paths.data_root, flag, size) else { continue };
            match mean::find(folder, flag, &dataset, Options::of(config)) {
                Ok(Found::There(mean)) => drop(means.there.insert(flag.clone(), (mean::file(folder, flag), mean))),
                Ok(Found::Missing(job)) => drop(means.missing.insert(flag.clone(), job)),
                Err(error) => problems.add(*line, KEY, format!("{} (baseline of `{key}`)", error.text())),
            }
        }
        means
    }

    /// Gives `group` its mean image, if a variant takes the image and the image exists.
    pub(crate) fn attach(&self, group: &mut Group) -> Result<(), MeanError> {
        let needed = group.variants.iter().any(Variant::needs_mean);
        let Some((file, mean)) = self.there.get(&group.dataset).filter(|_| needed) else { return Ok(()) };
        let misfit = |misfit: Misfit| MeanError::Content { file: file.clone(), reason: misfit.to_string() };
        mean.expanded(group.shape).map_err(misfit)?;
        group.mean = Some(MeanImage { file: file.clone(), sha256: mean.sha256() });
        Ok(())
    }

    /// Files that will be written.
    pub fn missing(&self) -> impl Iterator<Item = &Path> {
        self.missing.values().map(|job| job.file.as_path())
    }

    /// Computes and writes the missing mean images; whether there were any.
    pub(crate) fn compute(&mut self) -> Result<bool, MeanError> {
        let any = !self.missing.is_empty();
        while let Some((flag, job)) = self.missing.pop_first() {
            let (file, started) = (job.file.display().to_string(), Instant::now());
            tracing::info!(dataset = flag, file, "computing the mean image");
            let (mean, images) = job.run()?;
            tracing::info!(
                dataset = flag,
                file,
                images,
                elapsed_ms = started.elapsed().as_millis(),
                "mean image written"
            );
            self.there.insert(flag, (job.file, mean));
        }
        Ok(any)
    }
}

#[cfg(test)]
mod tests;

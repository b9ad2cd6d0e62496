//! Datasets of a config: whether their files hold what is asked for.

use std::path::PathBuf;

use data::DataError;
use data::datasets::{self, KEY};
use data::formats::{Entry, Labels};
use serde_json::Value;
use sweep::config::{Config, Split};
use sweep::problem::Problems;

/// One split of one dataset, found and readable.
#[derive(Debug)]
pub(crate) struct Dataset {
    pub(crate) flag: String,
    pub(crate) split: Split,
    pub(crate) file: PathBuf,
    pub(crate) format: &'static str,
    pub(crate) content: Value,
    /// Images that the sweep takes: all, or `limit`.
    pub(crate) images: u64,
    /// `[height, width, channels]`.
    pub(crate) shape: [usize; 3],
    /// Of the images that the sweep takes.
    pub(crate) labels: Labels,
}

/// Every split of every dataset.
pub(crate) fn open(config: &Config, flags: &[(String, u64)], problems: &mut Problems) -> Vec<Dataset> {
    let mut datasets = Vec::new();
    let size = config.search_space.image_size;
    for (flag, line) in flags.iter().map(|(flag, line)| (flag, *line)) {
        let Some(found) = datasets::locate(config, (flag, line), problems) else { continue };
        for (split, _) in &config.search_space.splits {
            match dataset(config, flag, *split, &found) {
                Ok(dataset) => {
                    check(&dataset, size, line, problems);
                    datasets.push(dataset);
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                    problems.add(line, KEY, format!("{error}{cause}"));
                }
            }
        }
    }
    datasets
}

fn dataset(
    config: &Config,
    flag: &str,
    split: Split,
    (file, entry): &(PathBuf, &'static Entry),
) -> Result<Dataset, DataError> {
    let mut source = (entry.open)(file, split.name())?;
    let images = config.settings.limit.map_or(source.len(), |limit| limit.min(source.len()));
    let mut labels = source.labels()?;
    labels.values.truncate(images as usize * labels.width);
    let (content, shape) = (source.content(), source.shape());
    let (flag, file) = (flag.to_owned(), file.clone());
    Ok(Dataset { flag, split, file, format: entry.name, content, images, shape, labels })
}

fn check(dataset: &Dataset, size: usize, line: u64, problems: &mut Problems) {
    let [height, width, _] = dataset.shape;
    let (file, split) = (dataset.file.display(), dataset.split.name());
    if [height, width] != [size; 2] {
        let text =
            format!("`{file}` has images of {height}x{width} px, expected {size}x{size} (search_space.image_size)");
        problems.add(line, KEY, text);
    }
    if dataset.images == 0 {
        problems.add(line, KEY, format!("`{file}` has no image in its split `{split}`"));
    }
    if let Some(label) = dataset.labels.values.iter().find(|label| **label < 0) {
        problems.add(line, KEY, format!("`{file}` has the label {label}, expected 0 or more"));
    }
}

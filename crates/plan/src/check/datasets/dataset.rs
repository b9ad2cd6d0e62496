//! Split of a dataset: whether its file holds what the config asks for.

use std::path::{Path, PathBuf};

use data::DataError;
use data::datasets::KEY;
use data::formats::{Entry, Labels, NO_LABEL, Options};
use serde_json::Value;
use sweep::config::{Config, Split};
use sweep::preprocessing::Preprocessing;
use sweep::problem::Problems;

/// Split of a dataset that exists and is readable.
#[derive(Debug)]
pub(crate) struct Dataset {
    pub(crate) flag: String,
    pub(crate) split: Split,
    pub(crate) file: PathBuf,
    pub(crate) format: &'static str,
    pub(crate) content: Value,
    /// Number of images that the sweep takes: all, or `limit`.
    pub(crate) images: u64,
    pub(crate) preprocessing: Preprocessing,
    /// Shape of an image, `[height, width, channels]`, preprocessed.
    pub(crate) shape: [usize; 3],
    /// Labels of the images that the sweep takes.
    pub(crate) labels: Labels,
    /// Model and noise of the only groups that take these images: those of a base. `None` for images that all groups take.
    pub(super) of: Option<(String, String)>,
    /// Number of classes that were predicted, of a base.
    pub(crate) predicted: Option<usize>,
    /// Whether the dataset has one split, which is read under any name.
    pub(super) one_split: bool,
}

impl Dataset {
    /// Whether groups of this `model` and `noise` take the images.
    pub(crate) fn is_of(&self, model: &str, noise: &str) -> bool {
        self.of.as_ref().is_none_or(|of| (of.0.as_str(), of.1.as_str()) == (model, noise))
    }
}

/// Reads what is known of a `split` without its images: number, shape, labels.
pub(super) fn read(
    config: &Config,
    flag: &str,
    split: Split,
    (file, entry): &(PathBuf, &'static Entry),
) -> Result<Dataset, DataError> {
    let mut source = entry.open(file, split.name(), &Options::of(config))?;
    let images = config.settings.limit.map_or(source.len(), |limit| limit.min(source.len()));
    // What is wrong with the type or the range of pixels shows in the first image.
    source.read(0..images.min(1))?;
    let mut labels = source.labels()?;
    labels.values.truncate(images as usize * labels.width);
    let (content, preprocessing, [height, width, channels]) =
        (source.content(), source.preprocessing(), source.shape());
    let [height, width] = preprocessing.size([height, width]);
    let shape = [height, width, channels];
    let predicted = source.predictions(0..images.min(1))?.map(|logits| logits.len());
    let (flag, file, one_split) = (flag.to_owned(), file.clone(), source.is_one_split());
    let (format, of) = (entry.name, None);
    let dataset =
        Dataset { flag, split, file, format, content, images, preprocessing, shape, labels, of, predicted, one_split };
    Ok(dataset)
}

/// Notes what the config cannot take of `dataset`: images of another size, or no image.
pub(super) fn check(dataset: &Dataset, size: usize, line: u64, problems: &mut Problems) {
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
}

/// Warnings about files whose labels are unusable, or missing for some images: class means are made without them.
pub(crate) fn without_labels(datasets: &[Dataset]) -> Vec<String> {
    let mut told: Vec<(&Path, String, Vec<&str>)> = Vec::new();
    for dataset in datasets {
        let labels = &dataset.labels;
        let lacking = labels.values.chunks(labels.width.max(1)).filter(|labels| labels.contains(&NO_LABEL)).count();
        let reason = match &labels.missing {
            Some(reason) => format!("no labels that can be used ({reason}): its images are explained without"),
            None if lacking > 0 => "images without a label of 0 or more: they count for no class".to_owned(),
            None => continue,
        };
        match told.iter_mut().find(|(file, known, _)| *file == dataset.file && *known == reason) {
            Some((.., splits)) => splits.push(dataset.split.name()),
            None => told.push((&dataset.file, reason, vec![dataset.split.name()])),
        }
    }
    let sentence = |(file, reason, splits): (&Path, String, Vec<&str>)| {
        format!("`{}` (split {}) has {reason}, and the store holds -1 for them", file.display(), splits.join(", "))
    };
    told.into_iter().map(sentence).collect()
}

//! Grid of a config: every combination of dataset, model, noise and split becomes a group.

use std::collections::{BTreeMap, BTreeSet};

use store::{FORMATS, Labels};
use sweep::config::Config;
use sweep::evaluation::Evaluation;
use sweep::group::{Group, Input, Noise, store_name};
use sweep::problem::Problems;
use sweep::variant::{OwnWeights, Variant};

use super::datasets::Dataset;
use super::weights::{Model, Models};

/// Makes the groups in the order of the work: groups that share images and model follow each other.
pub(crate) fn groups(
    config: &Config,
    datasets: &[Dataset],
    models: &Models,
    noises: &[Noise],
    variants: &[Variant],
    problems: &mut Problems,
) -> Vec<(Group, Labels)> {
    let mut groups = Vec::new();
    for dataset in datasets {
        for (model, line) in &config.search_space.model_flags {
            let Some(Model { weights, checkpoint, own }) = models.get(&(dataset.flag.clone(), model.clone())) else {
                continue;
            };
            let noises = noises.iter().filter(|noise| dataset.is_of(model, &noise.name)).collect::<Vec<_>>();
            if noises.is_empty() {
                continue;
            }
            let [height, width, channels] = dataset.shape;
            if channels != 1 && channels != checkpoint.channels {
                let (file, takes) = (weights.display(), checkpoint.channels);
                let text = format!("`{file}` takes {takes} channels, the images of `{}` have {channels}", dataset.flag);
                problems.add(*line, config.search_space.path("model_flags"), text);
                continue;
            }
            if let Some([rows, columns]) = checkpoint.size.filter(|size| *size != [height, width]) {
                let (file, flag) = (weights.display(), &dataset.flag);
                let text = format!(
                    "`{file}` takes images of {rows}x{columns} px only, those of `{flag}` have {height}x{width} px"
                );
                problems.add(*line, config.search_space.path("model_flags"), text);
                continue;
            }
            if let Some(predicted) = dataset.predicted.filter(|predicted| *predicted != checkpoint.classes) {
                let (file, base, classes) = (weights.display(), dataset.file.display(), checkpoint.classes);
                let text = format!("`{file}` has {classes} classes, and `{base}` has predictions of {predicted}");
                problems.add(*line, config.search_space.path("model_flags"), text);
                continue;
            }
            let variants: Vec<Variant> = variants.iter().map(|variant| with_own(variant, own)).collect();
            let normalize = config.settings.normalize.of(&dataset.flag, model);
            let input = Input {
                images_file: dataset.file.clone(),
                format: dataset.format.to_owned(),
                data: dataset.content.clone(),
                weights: weights.clone(),
                weights_sha256: checkpoint.sha256.clone(),
                weights_set: config.settings.weights.of(model).map(str::to_owned),
                mean: None,
            };
            for noise in noises {
                let split = dataset.split.name();
                let name = store_name(&dataset.flag, model, &noise.name, split) + config.suffix;
                let group = Group {
                    dataset: dataset.flag.clone(),
                    split: split.to_owned(),
                    model: model.clone(),
                    input: input.clone(),
                    preprocessing: dataset.preprocessing.clone().normalized(normalize),
                    noise: noise.clone(),
                    suffix: config.suffix.to_owned(),
                    store: FORMATS.place(&config.paths.output_dir, &name),
                    images: dataset.images,
                    shape: [checkpoint.channels, height, width],
                    classes: checkpoint.classes,
                    shard: config.settings.store.shard,
                    variants: variants.clone(),
                    numerics: config.settings.numerics,
                    evaluation: Evaluation::default(),
                };
                groups.push((group, classes(&dataset.labels)));
            }
        }
    }
    groups
}

/// The variant with the weights that it has for itself, where it has some.
fn with_own(variant: &Variant, own: &BTreeMap<String, OwnWeights>) -> Variant {
    Variant { weights: own.get(&variant.key).cloned(), ..variant.clone() }
}

/// Labels of images, with classes where an image has one label: class means make sense only there.
pub(super) fn classes(labels: &data::formats::Labels) -> Labels {
    let single = labels.width == 1;
    let classes =
        if single { labels.values.iter().copied().filter(|label| *label >= 0).collect() } else { BTreeSet::new() };
    Labels { width: labels.width, classes }
}

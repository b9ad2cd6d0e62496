//! Grid of a config: every combination of dataset, model, noise and split becomes a group.

use std::collections::BTreeSet;

use store::{FORMATS, Labels};
use sweep::config::Config;
use sweep::evaluation::Evaluation;
use sweep::group::{Group, Input, Noise, store_name};
use sweep::problem::Problems;
use sweep::variant::Variant;

use super::datasets::Dataset;
use super::weights::Models;

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
            let Some((weights, checkpoint)) = models.get(&(dataset.flag.clone(), model.clone())) else { continue };
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
                let name = store_name(&dataset.flag, model, &noise.name, split);
                let group = Group {
                    dataset: dataset.flag.clone(),
                    split: split.to_owned(),
                    model: model.clone(),
                    input: input.clone(),
                    preprocessing: dataset.preprocessing.clone().normalized(normalize),
                    noise: noise.clone(),
                    store: FORMATS.place(&config.paths.output_dir, &name),
                    images: dataset.images,
                    shape: [checkpoint.channels, height, width],
                    classes: checkpoint.classes,
                    shard: config.settings.store.shard,
                    variants: variants.to_vec(),
                    numerics: config.settings.numerics,
                    evaluation: Evaluation::default(),
                };
                groups.push((group, labels(dataset)));
            }
        }
    }
    groups
}

/// Labels of a dataset, with classes where an image has one label: class means make sense only there.
fn labels(dataset: &Dataset) -> Labels {
    let single = dataset.labels.width == 1;
    let classes = if single {
        dataset.labels.values.iter().copied().filter(|label| *label >= 0).collect()
    } else {
        BTreeSet::new()
    };
    Labels { width: dataset.labels.width, classes }
}

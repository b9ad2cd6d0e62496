//! The config that is written, with a comment on whatever was found.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::data::Dataset;
use super::shown;
use super::weights::Weights;

/// A config, and what is told about it.
pub(super) struct Page {
    /// Text of the config.
    pub(super) text: String,
    /// Lines for the terminal.
    pub(super) told: Vec<String>,
}

/// Comment in the config where nothing was found.
const FILL_IN: &str = "FILL_IN";

const REST: &str = "  noise_conditions:
    - {name: clean, type: none}
    # - {name: gaussian_std_0.15, type: gaussian, params: {std: 0.15}}
    # - {name: salt_pepper_amount_0.05, type: salt_pepper, params: {amount: 0.05}}
    # - {name: speckle_std_0.15, type: speckle, params: {std: 0.15}}
  attribution_methods:    # a list of values stands for a variant of each
    - {name: Saliency}
    - {name: InputXGradient}
    - {name: IntegratedGradients, params: {n_steps: 50, baselines: zero}}
    # - {name: GuidedBackprop}
    # - {name: DeepLIFT, class: DeepLift, params: {baselines: global_mean}}
    # - {name: GradientShap, params: {baselines: combined_zng, n_samples: [20, 40]}}
    # - {name: Occlusion, params: {patch_size: [8, 14, 16], baselines: global_mean}}

devices: auto    # idle GPUs, else the CPU; {cpu: 2}, [0, 1]
# limit: 100     # images of each split at most, for a first try
# Weights that want other images than pixels from -1 to 1, as torchvision's do:
# normalize: {mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
";

/// Writes the config for what was found.
pub(super) fn page(datasets: &[Dataset], weights: &[Weights]) -> Page {
    let size = most_frequent(datasets.iter().map(|dataset| dataset.size)).unwrap_or(224);
    let data_root = most_frequent(datasets.iter().map(|dataset| dataset.root.clone()));
    let taken: Vec<&Dataset> = datasets
        .iter()
        .filter(|dataset| dataset.size == size && Some(&dataset.root) == data_root.as_ref() && dataset.unread.is_none())
        .collect();
    let weights_root = most_frequent(weights.iter().filter_map(|weights| Some(weights.of.clone()?.0)));
    let fitting = |weights: &&Weights| {
        let of = weights.of.as_ref();
        of.is_some_and(|(root, flag)| {
            Some(root) == weights_root.as_ref() && taken.iter().any(|dataset| dataset.flag == *flag)
        })
    };
    let models: BTreeSet<&str> = weights
        .iter()
        .filter(fitting)
        .filter_map(|weights| weights.named.as_ref())
        .filter(|(_, of)| *of == size)
        .map(|(model, _)| model.as_str())
        .collect();
    let mut told: Vec<String> = datasets.iter().map(|dataset| of_dataset(dataset, taken.contains(&dataset))).collect();
    told.extend(weights.iter().filter_map(|found| of_weights(found, datasets, weights_root.as_deref())));
    let mut text = String::from("# Written by `attrisweep init`. Every key: docs/configuration.md.\n");
    for line in &told {
        let _ = writeln!(text, "# {}", line.replace('\n', " "));
    }
    let root = |found: Option<&PathBuf>| found.map_or_else(|| FILL_IN.to_owned(), |root| quoted(&shown(root)));
    let _ = write!(
        text,
        "paths:\n  weights_root: {}    # weights_<flag>/<model>_<size>_1.pth\n  data_root: {}\n  final_output_dir: outputs\n\n\
         search_space:\n  data_flags: [{}]\n  model_flags: [{}]\n  splits: [{}]\n  image_size: {size}\n{REST}",
        root(weights_root.as_ref()),
        root(data_root.as_ref()),
        list(taken.iter().map(|dataset| dataset.flag.as_str())),
        list(models.iter().copied()),
        split(&taken),
    );
    Page { text, told }
}

/// `path` as YAML has it: in quotes, where letters of it could mean something else.
fn quoted(path: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-".contains(letter);
    // The text of a string in JSON is the same string in YAML.
    if path.chars().all(is_plain) { path.to_owned() } else { serde_json::Value::from(path).to_string() }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { FILL_IN.to_owned() } else { names.join(", ") }
}

/// A split that every dataset has.
fn split(taken: &[&Dataset]) -> &'static str {
    let has = |split: &&str| taken.iter().all(|dataset| dataset.splits.iter().any(|(name, _)| name == split));
    ["test", "val", "train"].into_iter().find(|split| has(split)).unwrap_or("test")
}

fn of_dataset(dataset: &Dataset, is_taken: bool) -> String {
    let Dataset { root, flag, size, format, splits, unread } = dataset;
    let place = shown(root);
    if let Some(reason) = unread {
        return format!("{flag} in {place}: {reason}");
    }
    let splits: Vec<String> = splits.iter().map(|(split, images)| format!("{split} {images}")).collect();
    let rest = if is_taken { "" } else { "; left out: one config has one size and one folder of data" };
    format!("{flag} in {place}: {format}, {size} px, images: {}{rest}", splits.join(", "))
}

/// Comment on a file of weights; `None` for a file that its name and its place say enough about.
fn of_weights(weights: &Weights, datasets: &[Dataset], root: Option<&Path>) -> Option<String> {
    let file = shown(&weights.file);
    if weights.named.is_some() {
        return None;
    }
    let [(model, classes), others @ ..] = &weights.fitting[..] else {
        return Some(format!(
            "{file}: weights of no model of the catalogue; a program of torch.export (.pt2) may be any model"
        ));
    };
    let size = datasets.first().map_or(224, |dataset| dataset.size);
    let flag = weights.of.as_ref().map_or("<flag>", |(_, flag)| flag);
    let place = root.unwrap_or(Path::new("weights")).join(format!("weights_{flag}"));
    let end = weights.file.extension().map(|end| end.to_string_lossy().into_owned()).unwrap_or_default();
    let others: Vec<&str> = others.iter().map(|(model, _)| model.as_str()).collect();
    let or = if others.is_empty() { String::new() } else { format!(" (or {})", others.join(", ")) };
    Some(format!(
        "{file}: {model}{or} of {classes} classes; a sweep finds it as {}",
        shown(&place.join(format!("{model}_{size}_1.{end}")))
    ))
}

/// The value that comes most often; the first one of those.
fn most_frequent<T: Clone + PartialEq>(values: impl Iterator<Item = T>) -> Option<T> {
    let values: Vec<T> = values.collect();
    let count = |value: &T| values.iter().filter(|other| *other == value).count();
    let most = values.iter().map(count).max()?;
    values.iter().find(|value| count(value) == most).cloned()
}

//! `reference`: the five reference experiments, each with what its script does and its config does not say.
//!
//! An experiment is one entry of [`EXPERIMENTS`]. A config names its experiment with `reference: <name>`, or has keys which no other
//! experiment has. What an experiment sets does not show in the keys of variants; stores record what follows from it.

pub(super) mod flat;
pub(super) mod mapping;
mod mean_of;
mod recognise;
mod windows;

use super::search_space::Split;
use crate::group::Precision;
use crate::yaml::{Fields, read};
pub use flat::Proposed;
pub(super) use mean_of::MEANS;
pub use mean_of::MeanOf;
pub use windows::Windows;

/// A reference experiment: what its script does beside what its config says. Keys of a config come before it.
#[derive(Debug, PartialEq)]
pub struct Experiment {
    /// Name in configs and stores.
    pub name: &'static str,
    /// Windows of an occlusion whose config gives no more than `patch_size`.
    pub windows: Windows,
    /// Type in which the network computes.
    pub precision: Precision,
    /// Images whose mean is the baseline `global_mean`.
    pub mean_of: MeanOf,
    /// Format of finished stores, where later scripts read another format than sweeps write.
    pub stores: Option<&'static str>,
    /// Whether later scripts look in the output folder for names without a dataset and a split, `model-<model>_noise-<noise>`.
    pub has_short_names: bool,
    /// Whether each method has weights for itself, and images are those of stores that are there.
    pub is_mapped: bool,
}

const RESNET_MEDMNIST: Experiment = Experiment {
    name: "resnet_medmnist",
    windows: Windows::Overlapping,
    precision: Precision::Float32,
    mean_of: MeanOf::Split(Split::Train),
    stores: Some("zarr.zip"),
    has_short_names: false,
    is_mapped: false,
};

const DENSENET_MEDMNIST: Experiment = Experiment {
    name: "densenet_medmnist",
    windows: Windows::EveryPixel,
    precision: Precision::Float32,
    mean_of: MeanOf::Split(Split::Train),
    stores: None,
    has_short_names: false,
    is_mapped: false,
};

/// The script runs predictions and attributions under fp16 autocast.
const RESNET_IMAGENET: Experiment = Experiment {
    name: "resnet_imagenet",
    windows: Windows::EveryPixel,
    precision: Precision::Float16,
    mean_of: MeanOf::Split(Split::Val),
    stores: None,
    has_short_names: false,
    is_mapped: false,
};

/// The script runs predictions alone under fp16 autocast, which maps of single precision do not follow.
const DENSENET_IMAGENET: Experiment = Experiment {
    name: "densenet_imagenet",
    windows: Windows::Overlapping,
    precision: Precision::Float32,
    mean_of: MeanOf::Group,
    stores: Some("pt"),
    has_short_names: true,
    is_mapped: false,
};

/// The script runs attributions under fp16 autocast. It has no occlusion.
const DECORR: Experiment = Experiment {
    name: "decorr",
    windows: Windows::Overlapping,
    precision: Precision::Float16,
    mean_of: MeanOf::Split(Split::Train),
    stores: None,
    has_short_names: false,
    is_mapped: true,
};

/// Every experiment, by the word that names it; `none` says that a config is of no experiment, whatever its keys are.
const WORDS: &[(&str, Option<&Experiment>)] = &[
    (RESNET_MEDMNIST.name, Some(&RESNET_MEDMNIST)),
    (DENSENET_MEDMNIST.name, Some(&DENSENET_MEDMNIST)),
    (RESNET_IMAGENET.name, Some(&RESNET_IMAGENET)),
    (DENSENET_IMAGENET.name, Some(&DENSENET_IMAGENET)),
    (DECORR.name, Some(&DECORR)),
    ("none", None),
];

/// The experiment of a config.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reference {
    /// The experiment.
    pub experiment: &'static Experiment,
    /// Place where the experiment is named, or the way in which it was recognised.
    pub found: Found,
}

/// Way in which the experiment of a config was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The config names it.
    Named,
    /// The config has this, which no other experiment has.
    Recognised(&'static str),
}

impl Reference {
    /// The experiment of the config whose top level is `fields`; `None` if there is no experiment, or if the experiment is in
    /// doubt.
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let named = fields.optional("reference", read::choice(WORDS));
        if let Some(word) = named {
            return word.map(|experiment| Self { experiment, found: Found::Named });
        }
        let (experiment, by) = recognise::experiment(fields)?;
        Some(Self { experiment, found: Found::Recognised(by) })
    }

    /// A sentence for the user of a config that does not name its experiment; `None` where the config does.
    pub fn guessed(&self) -> Option<String> {
        let Found::Recognised(by) = self.found else { return None };
        let (name, sets) = (self.experiment.name, self.sets().join("; "));
        Some(format!(
            "by {by} the config is taken for that of the reference experiment `{name}`: {sets}; `reference: none` takes none"
        ))
    }

    /// Settings of the experiment, a sentence each.
    pub fn sets(&self) -> Vec<String> {
        let Experiment { windows, precision, mean_of, stores, .. } = self.experiment;
        let mut sets = vec![
            windows.meaning().to_owned(),
            format!("precision {} unless the config names one", precision.name()),
            format!("mean images {} unless the config says `mean_of`", mean_of.meaning()),
        ];
        if self.experiment.is_mapped {
            sets.push(
                "methods with weights for themselves, on images and predictions of stores that are there".to_owned(),
            );
        }
        sets.extend(stores.map(|format| format!("stores in the format {format} unless the config names one")));
        if self.experiment.has_short_names {
            sets.push("links `model-<model>_noise-<noise>` to finished stores, of one dataset and split".to_owned());
        }
        sets
    }
}

#[cfg(test)]
mod tests;

//! The words of every key: its default, its meaning, an example.

mod evaluation;
mod grid;
mod key;
mod run;
mod top;

use Default::{Required, Words};
use evaluation::{DEFAULTS, METRIC};
use grid::{MAPPED, METHOD, NOISE, PATHS, SEARCH_SPACE};
use key::key;
pub(crate) use key::{Default, Key};
use run::{EXPECT, PAGE, PREFLIGHT, SCHEDULER, STORE};
use top::TOP;

/// A section of a config.
pub(crate) struct Section {
    /// Path of the section, `[]` behind a list of mappings; empty for the top level.
    pub(crate) place: &'static str,
    /// The section in a sentence or two.
    pub(crate) about: &'static str,
    /// The keys, in the order in which users meet them.
    pub(crate) keys: &'static [Key],
}

/// Every key of every section.
pub(crate) const KEYS: &[Section] = &[
    Section { place: "", about: "Sections, and the keys that stand beside them.", keys: TOP },
    Section {
        place: "paths",
        about: "Folders. Relative paths begin in the working folder; `~`, `$NAME` and `${NAME}` are what they are in a shell.",
        keys: PATHS,
    },
    Section {
        place: "search_space",
        about: "The grid: every dataset with every model, noise, split and method.",
        keys: SEARCH_SPACE,
    },
    Section {
        place: "search_space.noise_conditions[]",
        about: "One noise. The [catalogue](catalogue.md#noises) lists the types and their parameters.",
        keys: NOISE,
    },
    Section {
        place: "search_space.attribution_methods[]",
        about: "One method with its choices of parameters. The [catalogue](catalogue.md#methods) lists the classes and their \
                parameters.",
        keys: METHOD,
    },
    Section {
        place: "model_method_mapping[]",
        about: "A method that has weights for itself, as the decorrelated reference experiment has them: images, labels and predictions \
                are those of a store in `base_data_dir`, and names of stores end with `_decorr` ([guide](guide/first-steps/reference-experiments.md)).",
        keys: MAPPED,
    },
    Section {
        place: "expect[]",
        about: "A measurement by the author of weights, which is made again before a sweep begins: an accuracy, or the logits of \
                one image. Weights may fit a model by names and shapes and be another network's.",
        keys: EXPECT,
    },
    Section {
        place: "normalize[]",
        about: "How weights want their images, where this is not the 0.5 and 0.5 of the reference scripts: each channel becomes \
                `(pixel - mean) / std`, with pixels from 0 for black to 1 for white. One mapping, or a list of mappings of which \
                the one that names most counts. Weights of torchvision want the numbers below. The choice is a fact of the store; \
                mean images, noise and verification go by it.",
        keys: &[
            key(
                "mean",
                Required,
                "Subtracted from the pixels: one number, or one for each channel.",
                "[0.485, 0.456, 0.406]",
            ),
            key("std", Required, "Divided by: one number above 0, or one for each channel.", "[0.229, 0.224, 0.225]"),
            key("model", Words("every model"), "Model whose images are meant.", "resnet18"),
            key("dataset", Words("every dataset"), "Dataset whose images are meant.", "bloodmnist"),
        ],
    },
    Section {
        place: "weights",
        about: "Which set of weights is meant in files that hold several, as training saves weights and their average.",
        keys: &[key(
            "set",
            Words("the only set of a file"),
            "Name of the set in the file, for every model, or a mapping of models to such names. `--check` tells which sets there \
             are. The choice is a fact of the store.",
            "state_dict_ema",
        )],
    },
    Section {
        place: "evaluation[]",
        about: "One metric of maps with its choices of parameters ([guide](guide/results/evaluation.md)). The \
                [catalogue](catalogue.md#metrics) lists the classes and their parameters.",
        keys: METRIC,
    },
    Section {
        place: "evaluation_defaults",
        about: "Values of these keys for every metric that takes the key and does not say otherwise.",
        keys: DEFAULTS,
    },
    Section { place: "store", about: "How stores are laid out.", keys: STORE },
    Section {
        place: "settings",
        about: "The schema of the reference experiment with DenseNet on ImageNet: one model on the validation images of ImageNet \
                (`val`, 224 px). `noise_conditions` and `attribution_methods` stand at the top level, and there is no `search_space`.",
        keys: &[
            key("model_flag", Required, "The model.", "densenet121"),
            key("gpu_id", Words("`devices`"), "GPU as nvidia-smi counts them; `devices` comes first.", "0"),
            key(
                "batch_sizes",
                Words("[found](guide/running/batch-sizes.md)"),
                "Images at once by the keys of maps; `default` is that of all other keys. They count until a device proves them wrong.",
                "{default: 128, IntegratedGradients_baselines_zero_n_steps_200: 2}",
            ),
        ],
    },
    Section {
        place: "preflight_check",
        about: "Where batch sizes come from ([guide](guide/running/batch-sizes.md)).",
        keys: PREFLIGHT,
    },
    Section {
        place: "page",
        about: "A page that shows the sweep while it runs ([guide](guide/results/page.md)). `page: {}` asks for one.",
        keys: PAGE,
    },
    Section { place: "scheduler", about: "Devices, retries and deadlines.", keys: SCHEDULER },
];

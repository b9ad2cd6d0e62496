//! Keys of folders, and of the grid.

use super::key::Default::{Required, Value, Words};
use super::key::{Key, key};

pub(super) const PATHS: &[Key] = &[
    key(
        "weights_root",
        Required,
        "Holds `weights_<flag>/<model>_<size>_1.pth` (or `.pt`, `.safetensors`, `.pt2`), or a file of torchvision, \
         `weights_<flag>/<model>-<8 hexadecimal digits>.pth`.",
        "weights",
    ),
    key(
        "imagenet_weights_root",
        Words("`weights_root`"),
        "Holds weights of ImageNet by torchvision's file names, such as `resnet18-f37072fd.pth`, for the dataset `imagenet`. Where it is \
         the only folder of weights, it counts for every dataset.",
        "imagenet_weights",
    ),
    key(
        "data_root",
        Required,
        "Holds the datasets: `<flag>_<size>.npz` (`<flag>.npz` for 28 px), `<flag>.zarr`, folders of images and others \
         ([formats](guide/first-steps/data.md)).",
        "data",
    ),
    key(
        "input_zarr_path",
        Words("`data_root`"),
        "One Zarr that is the dataset of the config, instead of what lies in `data_root`; a key of the reference.",
        "",
    ),
    key(
        "decorr_weights_root",
        Words("`weights_root`"),
        "Holds `<flag>_<model>/split_<i>_seed_<s>.pth`, weights of which each method has its own (`model_method_mapping`).",
        "",
    ),
    key(
        "base_data_dir",
        Words("none"),
        "Holds the stores whose images, labels and predictions are taken beside `model_method_mapping`, of attrisweep or of the scripts.",
        "",
    ),
    key("base_data_dir_resnet18", Words("`base_data_dir`"), "The same for resnet18 alone.", ""),
    key("medmnist_weights_root", Words("`weights_root`"), "Name of `weights_root` in configs of the reference.", ""),
    key("medmnist_data_root", Words("`data_root`"), "Name of `data_root` in configs of the reference.", ""),
    key(
        "means_dir",
        Value("means"),
        "Holds mean images, `<flag>_mean.pt`, of baselines that are made of them; `<flag>_split-<split>_mean.pt` of another split than \
         train, `<flag>_normalized_<digest>_mean.pt` where `normalize` changes the images. Missing ones are computed.",
        "means",
    ),
    key(
        "masks_root",
        Words("none"),
        "Holds masks of objects for metrics that compare maps with them, as a dataset of its own below the flag of the images, in any format but pictures: \
         images of the same number, size and order, whose pixels are 0 outside of the object.",
        "",
    ),
    key("final_output_dir", Value("outputs"), "Stores and the journal are written here; also `--output`.", "outputs"),
    key("output_root_dir", Words("`final_output_dir`"), "Name of `final_output_dir` in configs of the reference.", ""),
    key(
        "scheduler_log_dir",
        Value("./scheduler_logs/"),
        "Logs of the scheduler and its workers are written here. Sweeps may share the folder.",
        "logs",
    ),
];

pub(super) const SEARCH_SPACE: &[Key] = &[
    key(
        "data_flags",
        Words("every dataset that has a folder of weights, as `[]`"),
        "Datasets. `[]` takes every folder `weights_<flag>` for which there are images, and tells which it leaves out.",
        "[bloodmnist]",
    ),
    key(
        "model_flags",
        Required,
        "Models: names of the [catalogue](catalogue.md#models), or of [programs](guide/first-steps/own-models.md) of `torch.export`.",
        "[resnet18, resnet50]",
    ),
    key("splits", Required, "Splits of each dataset.", "[test]"),
    key(
        "image_size",
        Value("224"),
        "Height and width of an image in pixels; part of the names of files but for 28 px.",
        "28",
    ),
    key(
        "float_range",
        Words("none: images of floats are refused"),
        "What black and white are in images of floats. Integers are 0 to 255, of any width.",
        "[0, 1]",
    ),
    key("noise_conditions", Required, "[Noises](#search_spacenoise_conditions).", "[{name: clean, type: none}]"),
    key(
        "attribution_methods",
        Required,
        "[Methods](#search_spaceattribution_methods), at most 4096 variants together.",
        "[{name: Saliency}]",
    ),
];

pub(super) const NOISE: &[Key] = &[
    key("name", Required, "Name of the noise in the names of stores.", "gaussian_std_0.15"),
    key("type", Required, "Kind of noise.", "gaussian"),
    key("params", Words("the kind's own"), "Parameters of the kind.", "{std: 0.15}"),
];

pub(super) const METHOD: &[Key] = &[
    key("name", Required, "First part of the keys of its maps.", "IG"),
    key("class", Words("`name`"), "Class of the method.", "IntegratedGradients"),
    key(
        "params",
        Words("the class's own"),
        "Parameters of the class. A list of values stands for several choices, each a variant of its own.",
        "{n_steps: [50, 200], baselines: zero}",
    ),
    key("semantics", Words("`semantics` of the top level"), "Whose definition this method follows.", "exact"),
];

pub(super) const MAPPED: &[Key] = &[
    key("model_split_id", Required, "Number of the weights, the `<i>` of `split_<i>_seed_<s>.pth`.", "0"),
    key(
        "method_name",
        Required,
        "Key of the maps: the name of a method of the script, with one of its parameters or without; any name beside a `class`.",
        "IntegratedGradients_n_steps_50",
    ),
    key("class", Words("that of the script"), "Class of the method.", "IntegratedGradients"),
    key(
        "params",
        Words("those of the script"),
        "Parameters of the class, one value each.",
        "{n_steps: 50, baselines: zero}",
    ),
    key("semantics", Words("`semantics` of the top level"), "Whose definition this method follows.", "exact"),
];

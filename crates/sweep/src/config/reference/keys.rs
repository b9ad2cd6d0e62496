//! The words of every key: its default, its meaning, an example.

/// A section of a config.
pub(crate) struct Section {
    /// Path of the section, `[]` behind a list of mappings; empty for the top level.
    pub(crate) place: &'static str,
    /// The section in a sentence or two.
    pub(crate) about: &'static str,
    /// The keys, in the order in which users meet them.
    pub(crate) keys: &'static [Key],
}

/// A key.
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// What counts where the key is left out.
    pub(crate) default: Default,
    /// What it changes.
    pub(crate) meaning: &'static str,
    /// A value, as YAML in one line; empty for a key that does not go with the other examples of its section.
    pub(crate) example: &'static str,
}

/// What counts where a key is left out.
pub(crate) enum Default {
    /// This value, as YAML: a config that writes it is the same config.
    Value(&'static str),
    /// No value of the key, but a rule.
    Words(&'static str),
    /// Nothing: the key must be given.
    Required,
}

use Default::{Required, Value, Words};

const fn key(name: &'static str, default: Default, meaning: &'static str, example: &'static str) -> Key {
    Key { name, default, meaning, example }
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
                Words("[found](guide/batch-sizes.md)"),
                "Images at once by the keys of maps; `default` is that of all other keys. They count until a device proves them wrong.",
                "{default: 128, IntegratedGradients_baselines_zero_n_steps_200: 2}",
            ),
        ],
    },
    Section {
        place: "preflight_check",
        about: "Where batch sizes come from ([guide](guide/batch-sizes.md)).",
        keys: PREFLIGHT,
    },
    Section { place: "scheduler", about: "Devices, retries and deadlines.", keys: SCHEDULER },
];

const TOP: &[Key] = &[
    key("paths", Required, "[Folders](#paths).", ""),
    key("search_space", Required, "[The grid](#search_space).", ""),
    key(
        "devices",
        Words("`scheduler.available_gpus`, else `auto`"),
        "Where workers run. `auto`: GPUs that are idle and that no other sweep of this machine has taken; on a machine without any, \
         the CPU. `{cpu: N}`: N workers that share the cores. `[0, 1]`: GPUs as nvidia-smi counts them.",
        "{cpu: 2}",
    ),
    key(
        "seed",
        Value("0"),
        "Seed of every random draw. Noise depends on seed, dataset, image and noise name alone.",
        "42",
    ),
    key("limit", Words("all images"), "Images of each split, the first ones. A larger limit extends stores.", "100"),
    key(
        "batch_size",
        Words("[found](guide/batch-sizes.md)"),
        "Images that are attributed at once. Changes speed and memory, not the maps.",
        "32",
    ),
    key(
        "indices",
        Words("all images"),
        "Images of each split that are taken, in this order: a list, or a file with an index in each line \
         ([guide](guide/data.md#some-images-of-a-split)).",
        "[4, 8, 15]",
    ),
    key(
        "memory",
        Words("an equal share of what is free"),
        "Bytes that a worker on the CPU may hold; also `--memory`. Free is what the machine and the control groups (a Slurm \
         job's, a container's) leave.",
        "2GiB",
    ),
    key(
        "threads",
        Words("the cores of this process, `OMP_NUM_THREADS` and `SLURM_CPUS_PER_TASK` heeded, shared by the workers"),
        "Threads of each worker on the CPU.",
        "4",
    ),
    key(
        "precision",
        Value("float32"),
        "Type in which maps are computed. `float32`: single precision on GPUs, too. `tf32`: PyTorch's default on GPUs, faster and \
         good to three digits. `float16`, `bfloat16`: narrower still ([measured](benchmarks.md#on-a-gpu)). `float64`: for checking.",
        "float32",
    ),
    key(
        "semantics",
        Value("exact"),
        "Whose definition is followed where papers and Captum differ ([guide](guide/what-it-computes.md#semantics)).",
        "captum",
    ),
    key(
        "reference",
        Words("none, or the one that the keys show"),
        "The reference experiment whose script would run this config, or `none`. The word sets what scripts do and configs do not say: \
         how windows of Occlusion move, the precision, whose mean is the mean image, the format of stores ([guide](guide/reference-experiments.md)). Keys \
         of the config come before it, and it does not show in the keys of maps.",
        "none",
    ),
    key(
        "mean_of",
        Words("`train`, or as `reference` says"),
        "Images whose mean is the mean image that baselines take: those of a split without noise, or the images of each group, with \
         their noise.",
        "train",
    ),
    key(
        "fold_batch_norm",
        Value("false"),
        "Fold batch norms into convolutions: the same function, other rounding.",
        "true",
    ),
    key("store", Words("as below"), "[How stores are laid out](#store).", ""),
    key("weights", Words("the only set of a file"), "[Which set of weights](#weights).", ""),
    key("normalize", Words("0.5 and 0.5"), "[How weights want their images](#normalize).", ""),
    key("expect", Words("nothing"), "[What authors of weights have measured](#expect).", ""),
    key(
        "settings",
        Words("none"),
        "[Model, GPU and batch sizes](#settings) of the reference experiment with DenseNet on ImageNet, in place of a `search_space`.",
        "",
    ),
    key("preflight_check", Words("as below"), "[Where batch sizes come from](#preflight_check).", ""),
    key("scheduler", Words("as below"), "[Devices, retries and deadlines](#scheduler).", ""),
    key("launcher", Words("processes of this machine"), "Name of the launcher that starts workers.", "local"),
    key("experiment", Words("nothing"), "Name and description for people; not used.", "{name: first try}"),
    key(
        "model_method_mapping",
        Words("nothing"),
        "One set of weights for each method, a key of the reference. Not supported: anything but an empty mapping is refused.",
        "{}",
    ),
];

const PATHS: &[Key] = &[
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
         ([formats](guide/data.md)).",
        "data",
    ),
    key(
        "input_zarr_path",
        Words("`data_root`"),
        "One Zarr that is the dataset of the config, instead of what lies in `data_root`; a key of the reference.",
        "",
    ),
    key("medmnist_weights_root", Words("`weights_root`"), "Name of `weights_root` in configs of the reference.", ""),
    key("medmnist_data_root", Words("`data_root`"), "Name of `data_root` in configs of the reference.", ""),
    key(
        "means_dir",
        Value("means"),
        "Holds mean images, `<flag>_mean.pt`, of baselines that are made of them; `<flag>_normalized_<digest>_mean.pt` where `normalize` \
         changes the images. Missing ones are computed.",
        "means",
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

const SEARCH_SPACE: &[Key] = &[
    key(
        "data_flags",
        Words("every dataset that has a folder of weights, as `[]`"),
        "Datasets. `[]` takes every folder `weights_<flag>` for which there are images, and tells which it leaves out.",
        "[bloodmnist]",
    ),
    key(
        "model_flags",
        Required,
        "Models: names of the [catalogue](catalogue.md#models), or of [programs](guide/own-models.md) of `torch.export`.",
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

const NOISE: &[Key] = &[
    key("name", Required, "Name of the noise in the names of stores.", "gaussian_std_0.15"),
    key("type", Required, "Kind of noise.", "gaussian"),
    key("params", Words("the kind's own"), "Parameters of the kind.", "{std: 0.15}"),
];

const METHOD: &[Key] = &[
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

const EXPECT: &[Key] = &[
    key("model", Required, "The model whose weights were measured.", "resnet18"),
    key("dataset", Words("each dataset of the config"), "The dataset on which they were measured.", "bloodmnist"),
    key("split", Value("test"), "The split; its images are taken without noise.", "test"),
    key(
        "accuracy",
        Words("none: `image` and `logits` are given"),
        "Share of images that were predicted right.",
        "0.958",
    ),
    key("images", Words("1000"), "Images that are looked at for an accuracy at most, equally far apart.", "500"),
    key("image", Words("none: `accuracy` is given"), "Index of the image whose logits were measured.", ""),
    key("logits", Words("none: `accuracy` is given"), "Logits of that image.", ""),
    key(
        "within",
        Words("0.005 for an accuracy, 0.001 for logits"),
        "How far a measurement may be off: a share beside what chance does to a sample; a share of the largest logit.",
        "0.01",
    ),
];

const STORE: &[Key] = &[
    key(
        "format",
        Words("`zarr`"),
        "Format of finished stores: `zarr`, a folder; `zarr.zip`, the folder in one file, as the reference's ResNet experiment on MedMNIST \
         leaves it; or `pt`, tensors in `dataset-<flag>_split-<split>.pt/model-<model>_noise-<noise>`, as its DenseNet experiment does. A \
         store is a folder until it is complete.",
        "zarr.zip",
    ),
    key(
        "shard",
        Value("64"),
        "Images in a file of the store: what is lost at most when a worker dies. At the last two shards for each device several \
         devices work at once.",
        "32",
    ),
    key("dtype", Value("float16"), "Type in which maps are stored.", "float32"),
    key("compression", Value("zstd"), "Compression of chunks. Maps of gradients shrink by some 6 % only.", "none"),
];

const PREFLIGHT: &[Key] = &[
    key("enabled", Value("false"), "Measure before the sweep what is not known.", "true"),
    key(
        "results_path",
        Words("`preflight_results.json` in the output folder"),
        "File of batch sizes (model -> method key -> images); the profile lies beside it.",
        "preflight_results.json",
    ),
    key(
        "exempt_methods",
        Words("none"),
        "Batch sizes of the reference for methods that its preflight does not measure. Checked, and not used: they are those of \
         another program's memory.",
        "{Occlusion: 1024}",
    ),
    key("subset_size", Words("not used"), "A key of the reference's search. Checked, and not used.", "512"),
    key("start_batch_size", Words("not used"), "A key of the reference's search. Checked, and not used.", "512"),
    key("binary_search_depth", Words("not used"), "A key of the reference's search. Checked, and not used.", "4"),
];

const SCHEDULER: &[Key] = &[
    key("available_gpus", Words("`devices`"), "GPUs as nvidia-smi counts them; `devices` comes first.", "[0, 1]"),
    key(
        "max_retries",
        Value("1"),
        "How often a unit that failed is tried again. A worker that was lost is no failure of its unit.",
        "2",
    ),
    key("task_timeout", Value("288000"), "Seconds that one unit may take before its worker is taken for hung.", "3600"),
    key(
        "polling_interval",
        Words("not used"),
        "A key of the reference. Checked, and not used: workers report by themselves.",
        "10",
    ),
    key("max_tasks_per_gpu", Words("1"), "A key of the reference: one worker keeps a GPU busy by itself.", "1"),
];

//! Keys of the top level.

use super::key::Default::{Required, Value, Words};
use super::key::{Key, key};

pub(super) const TOP: &[Key] = &[
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
        Words("[found](guide/running/batch-sizes.md)"),
        "Images that are attributed at once. Changes speed and memory, not the maps.",
        "32",
    ),
    key(
        "indices",
        Words("all images"),
        "Images of each split that are taken, in this order: a list, or a file with an index in each line \
         ([guide](guide/first-steps/data.md#some-images-of-a-split)).",
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
        "Whose definition is followed where papers and Captum differ ([guide](guide/results/what-it-computes.md#semantics)); `reference`: what the \
         script of the reference experiment computes, with Captum and with its slips.",
        "captum",
    ),
    key(
        "reference",
        Words("none, or the one that the keys show"),
        "The reference experiment whose script would run this config, or `none`. The word sets what scripts do and configs do not say: \
         how windows of Occlusion move, the precision, whose mean is the mean image, the format of stores ([guide](guide/first-steps/reference-experiments.md)). Keys \
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
    key("evaluation", Words("nothing"), "[Metrics of the maps](#evaluation).", ""),
    key(
        "evaluation_defaults",
        Words("those of each metric"),
        "[What metrics have in common](#evaluation_defaults).",
        "",
    ),
    key(
        "settings",
        Words("none"),
        "[Model, GPU and batch sizes](#settings) of the reference experiment with DenseNet on ImageNet, in place of a `search_space`.",
        "",
    ),
    key("preflight_check", Words("as below"), "[Where batch sizes come from](#preflight_check).", ""),
    key("scheduler", Words("as below"), "[Devices, retries and deadlines](#scheduler).", ""),
    key("page", Words("no page"), "[A page that shows the sweep](#page) while it runs; also `--page`.", ""),
    key(
        "at_end",
        Words("nothing"),
        "Line of shell that is run once the sweep has ended, with `ATTRISWEEP_OUTCOME` (`complete`, `incomplete`, `no workers`, \
         `interrupted`), `ATTRISWEEP_FAILED` (units) and `ATTRISWEEP_OUTPUT` in its environment.",
        "./tell_me.sh",
    ),
    key(
        "launcher",
        Words("processes of this machine"),
        "Launcher that starts workers: `local`, `command`, `ssh` or `slurm`; its settings stand below its name \
         ([guide](guide/running/clusters.md)).",
        "local",
    ),
    key("experiment", Words("nothing"), "Name and description for people; not used.", "{name: first try}"),
    key(
        "model_method_mapping",
        Words("nothing"),
        "[Methods of which each has weights for itself](#model_method_mapping), in place of `attribution_methods`.",
        "",
    ),
];

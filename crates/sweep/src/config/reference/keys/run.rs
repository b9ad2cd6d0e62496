//! Keys of what is checked before a sweep, of stores, and of the run.

use super::key::Default::{Required, Value, Words};
use super::key::{Key, key};

pub(super) const EXPECT: &[Key] = &[
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

pub(super) const STORE: &[Key] = &[
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

pub(super) const PREFLIGHT: &[Key] = &[
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

pub(super) const PAGE: &[Key] = &[
    key(
        "host",
        Value("127.0.0.1"),
        "Host or address on which the page is served. On any but this machine's own, callers must show a token.",
        "0.0.0.0",
    ),
    key("port", Words("8383, or a free one where 8383 is taken"), "Port of the page.", "8080"),
    key(
        "token",
        Words("none on this machine alone, else a random one"),
        "Text that callers must show once. Whoever reads the config knows it; `ATTRISWEEP_PAGE_TOKEN` is another place for it.",
        "correct-horse",
    ),
];

pub(super) const SCHEDULER: &[Key] = &[
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

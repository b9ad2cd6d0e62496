//! Stores as folders of tensors, as the reference's DenseNet experiment leaves them: `images.pt`, `labels.pt`, `model_predictions.pt`,
//! `means/`, `attributions/<key>.pt`, .. in `model-<model>_noise-<noise>`.
//!
//! A file is one tensor over all images, in one storage without compression: rows are read where they lie, by `torch.load(mmap=True)` and
//! here. The metadata that the store had as a Zarr folder stands in one file beside the tensors, so that the folder can be made again.

mod carry;
pub(crate) mod check;
mod link;
pub(crate) mod pack;
mod tensor;
pub(crate) mod unpack;
pub(crate) mod write;

use std::path::{Path, PathBuf};

pub use link::link_for_scripts;
pub(crate) use tensor::Tensor;

/// Ending of the name of the folder that has the stores of a dataset and split.
pub(crate) const SUFFIX: &str = ".pt";

/// Name of the file that has the metadata of the whole store.
pub(crate) const ROOT: &str = "attrisweep.json";

/// Name of the folder inside of each file of a tensor.
const STEM: &str = "archive";

/// Name of the store of a group whose name has no parts.
const ALONE: &str = "store";

/// Whether `place` is a store of tensors.
pub(crate) fn is_place(place: &Path) -> bool {
    let above = place.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    above.is_some_and(|name| name.ends_with(SUFFIX)) && place.join(ROOT).is_file()
}

/// Place in `folder` of the store called `name`: `dataset-<flag>_split-<split>.pt/model-<model>_noise-<noise>`, so that the folders of
/// one dataset and split lie together and have the names that readers of the reference know.
pub(crate) fn place(folder: &Path, name: &str) -> PathBuf {
    let parts = name.split_once(MODEL).and_then(|(dataset, rest)| Some((dataset, rest.rsplit_once(SPLIT)?)));
    match parts {
        Some((dataset, (model, split))) => {
            folder.join(format!("{dataset}{SPLIT}{split}{SUFFIX}")).join(format!("model-{model}"))
        }
        None => folder.join(format!("{name}{SUFFIX}")).join(ALONE),
    }
}

/// Whether `place` is a folder of tensors of another program.
pub(crate) fn is_of_scripts(place: &Path) -> bool {
    place.join("images.pt").is_file() && !place.join(ROOT).exists()
}

/// Place in `folder` where the script of the reference's DenseNet experiment leaves the store called `name`: it has one dataset and split, which
/// its folders do not name. `None` for a name without parts.
pub(crate) fn of_scripts(folder: &Path, name: &str) -> Option<PathBuf> {
    let (model, _) = name.split_once(MODEL)?.1.rsplit_once(SPLIT)?;
    Some(folder.join(format!("model-{model}")))
}

const MODEL: &str = "_model-";
const SPLIT: &str = "_split-";

/// Zarr folder of the store at `place`.
pub(crate) fn folder(place: &Path) -> PathBuf {
    let (folder, name) = named(place).unwrap_or_default();
    folder.join(format!("{name}.zarr"))
}

/// Folder in which the store at `place` and others lie, and the name of the store; `None` for a path that is too short to be a place.
fn named(place: &Path) -> Option<(PathBuf, String)> {
    let text = |path: Option<&Path>| {
        path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let (model, above) = (text(Some(place)), text(place.parent()));
    let above = above.strip_suffix(SUFFIX).unwrap_or(&above);
    let name = match above.rsplit_once(SPLIT) {
        Some((dataset, split)) if model != ALONE => format!("{dataset}_{model}{SPLIT}{split}"),
        _ => above.to_owned(),
    };
    Some((place.parent().and_then(Path::parent)?.to_owned(), name))
}

/// File of the array at `path` of the store at `place`.
pub(crate) fn file(place: &Path, path: &str) -> PathBuf {
    place.join(format!("{path}.pt"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_the_folder_name_of_the_reference_and_leads_back_to_the_store() {
        let out = Path::new("out");
        let name = "dataset-imagenet_model-resnet18_noise-gaussian_std_0.15_split-val";
        let at = place(out, name);
        assert_eq!(at, out.join("dataset-imagenet_split-val.pt/model-resnet18_noise-gaussian_std_0.15"));
        for name in [name, "dataset-a_model-b_model-c_noise-_split-d_split-e", "s"] {
            assert_eq!(folder(&place(out, name)), out.join(format!("{name}.zarr")), "{name}");
        }
    }
}

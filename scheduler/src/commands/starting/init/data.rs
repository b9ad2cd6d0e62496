//! Datasets in folders: whatever one of the formats knows by a name that lies there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use data::formats::{FORMATS, Options};

use super::names;

/// Splits of a dataset, the one that is explained most often first.
const SPLITS: [&str; 3] = ["test", "val", "train"];

/// Size in pixels that is tried where a name gives none, and the size of pictures once they are scaled.
const SIZES: [usize; 2] = [28, 224];

/// Names of datasets whose original files have other names.
const ORIGINAL: [&str; 5] = ["cifar10", "cifar100", "mnist", "fashionmnist", "imagenet"];

/// A dataset that was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dataset {
    /// Folder that a config calls `data_root`.
    pub(super) root: PathBuf,
    /// Name of the dataset.
    pub(super) flag: String,
    /// Height and width of its images in pixels.
    pub(super) size: usize,
    /// Name of its format.
    pub(super) format: &'static str,
    /// Its splits, each with the number of images.
    pub(super) splits: Vec<(&'static str, u64)>,
    /// Reason for which no split can be read as it is; one sentence.
    pub(super) unread: Option<String>,
}

/// Finds the datasets in `folders`.
pub(super) fn find(folders: &[PathBuf]) -> Vec<Dataset> {
    let mut found: Vec<Dataset> = Vec::new();
    for root in folders {
        for (flag, size) in candidates(root) {
            if let Some(dataset) = dataset(root, &flag, size)
                && !found.iter().any(|other| (&other.flag, other.size) == (&dataset.flag, dataset.size))
            {
                found.push(dataset);
            }
        }
    }
    found
}

/// Names that datasets in `root` may have, each with a size in pixels.
fn candidates(root: &Path) -> BTreeSet<(String, usize)> {
    let of_file = |name: &String| {
        let stem = name.split('.').next().unwrap_or_default();
        let stem = stem.trim_end_matches("_images").trim_end_matches("_labels");
        let stem = SPLITS.iter().fold(stem, |stem, split| stem.strip_suffix(&format!("_{split}")).unwrap_or(stem));
        match stem.rsplit_once('_') {
            Some((flag, size)) if size.parse::<usize>().is_ok() => vec![(flag.to_owned(), size.parse().unwrap_or(0))],
            _ => SIZES.map(|size| (stem.to_owned(), size)).to_vec(),
        }
    };
    let named = names(root).iter().filter(|name| !name.starts_with("weights_")).flat_map(of_file).collect::<Vec<_>>();
    let original = ORIGINAL.iter().flat_map(|flag| SIZES.map(|size| ((*flag).to_owned(), size)));
    named.into_iter().chain(original).filter(|(flag, size)| !flag.is_empty() && *size > 0).collect()
}

/// The dataset `flag` in `root`, if one of the formats finds it there.
fn dataset(root: &Path, flag: &str, size: usize) -> Option<Dataset> {
    let (place, entry) = FORMATS.locate(root, flag, size).ok()?;
    let (mut splits, mut unread, mut shape) = (Vec::new(), None, None);
    for split in SPLITS {
        match entry.open(&place, split, &Options { size, ..Options::default() }) {
            Ok(source) if source.is_one_split() && !splits.is_empty() => break,
            Ok(source) => {
                let [height, width, _] = source.shape();
                shape = Some(source.preprocessing().size([height, width]));
                splits.push((split, source.len()));
            }
            Err(error) => unread = unread.or(Some(error.to_string())),
        }
    }
    let unread = unread.filter(|_| splits.is_empty());
    let size = shape.map_or(size, |[height, _]| height);
    Some(Dataset { root: root.to_owned(), flag: flag.to_owned(), size, format: entry.name, splits, unread })
}

//! Zarr, version 2 or 3, as a folder or a zip: `images` [n, h, w, c], [n, c, h, w] or [n, h, w], and perhaps `labels`.
//!
//! A split is `<split>/images` or `<split>_images` of one store, or a store `<flag>/<split>.zarr`. A store with `images` in its root has
//! one split, by whatever name.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Entry, Labels, Options, Source};
use crate::DataError;
use crate::arrays::{Channels, Images, no_labels, read_labels};
use crate::preprocess::Pixels;
use crate::stored::Column;
use crate::zarr::{Array, Storage};

/// Endings of the names of stores.
pub(super) const SUFFIXES: [&str; 2] = [".zarr", ".zarr.zip"];

/// Names of splits, to which a folder of stores is known.
const SPLITS: [&str; 3] = ["train", "val", "test"];

/// Names of files that the root of a folder has, of version 3 and of version 2.
const ROOTS: [&str; 3] = ["zarr.json", ".zgroup", ".zarray"];

pub(super) const ENTRY: Entry = Entry {
    name: "zarr",
    places: |root, flag, size| {
        let names = [format!("{flag}_{size}"), flag.to_owned()];
        let stores = names.iter().flat_map(|name| SUFFIXES.map(|suffix| root.join(format!("{name}{suffix}"))));
        stores.chain([root.join(flag)]).collect()
    },
    fits: |place| is_store(place) || SPLITS.iter().any(|split| store_of(place, split).is_some()),
    open: |place, split, options| Ok(Box::new(Zarr::open(place, split, options)?)),
};

/// Whether a Zarr lies at `place`.
pub(super) fn is_store(place: &Path) -> bool {
    let is_zip = place.extension().is_some_and(|extension| extension == "zip");
    (is_zip && place.is_file()) || ROOTS.iter().any(|name| place.join(name).is_file())
}

/// Store of `split` in a folder of stores.
fn store_of(folder: &Path, split: &str) -> Option<PathBuf> {
    SUFFIXES.map(|suffix| folder.join(format!("{split}{suffix}"))).into_iter().find(|place| is_store(place))
}

struct Zarr {
    images: Array,
    layout: Images,
    /// Labels; `None` for a store without labels.
    labels: Option<Column>,
    one_split: bool,
    content: Value,
}

impl Zarr {
    fn open(place: &Path, split: &str, options: &Options) -> Result<Self, DataError> {
        let of_split = if is_store(place) { None } else { store_of(place, split) };
        if of_split.is_none() && !is_store(place) {
            let reason = format!("no store `{split}.zarr` or `{split}.zarr.zip` in it");
            return Err(DataError::Content { file: place.to_owned(), reason });
        }
        let storage = Arc::new(Storage::open(of_split.as_deref().unwrap_or(place))?);
        let names = [
            (format!("{split}/images"), format!("{split}/labels")),
            (format!("{split}_images"), format!("{split}_labels")),
        ];
        let mut found = None;
        for (images, labels) in names.into_iter().chain([("images".to_owned(), "labels".to_owned())]) {
            if let Some(array) = Array::open(&storage, &images)? {
                found = Some((array, labels));
                break;
            }
        }
        let Some((images, labels)) = found else {
            let (file, has) = (storage.place.clone(), storage.members());
            let reason = format!("no array `{split}/images`, `{split}_images` or `images`; it has: {has}");
            return Err(DataError::Content { file, reason });
        };
        let one_split = of_split.is_none() && labels == "labels";
        let labels = Array::open(&storage, &labels)?.map(Column::Array);
        let (element, name) = (images.element()?, &images.metadata.type_name);
        let layout = Images::new((element, name), &images.metadata.shape, Channels::LastOrFirst, options);
        let layout = layout.map_err(|reason| images.error(reason))?;
        let mut content = json!({"images": images.content(), "labels": labels.as_ref().map(Column::content)});
        content["held_bytes"] = json!(images.held());
        layout.tell_range(&mut content);
        Ok(Self { images, layout, labels, one_split, content })
    }
}

impl Source for Zarr {
    fn len(&self) -> u64 {
        self.layout.len
    }

    fn shape(&self) -> [usize; 3] {
        self.layout.shape
    }

    fn is_one_split(&self) -> bool {
        self.one_split
    }

    fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError> {
        self.layout.within(&range).map_err(|reason| self.images.error(reason))?;
        let bytes = self.images.read(range.clone())?;
        self.layout.pixels(bytes, range.start).map_err(|reason| self.images.error(reason))
    }

    fn labels(&mut self) -> Result<Labels, DataError> {
        labels_of(self.labels.as_mut(), self.layout.len)
    }

    /// A zip has a checksum of every file. Those of chunks are compared where chunks are read, and those of shards here: of a shard, only
    /// parts are read later. In a folder, chunks and the indices of shards have checksums only where the metadata says so, which are
    /// compared where they are read; damage to others shows where it cannot be decompressed, or not at all.
    fn verify(&mut self) -> Result<(), DataError> {
        self.images.verify()?;
        self.labels.as_mut().map_or(Ok(()), Column::verify)
    }

    fn content(&self) -> Value {
        self.content.clone()
    }
}

/// Labels of `n` images in the array `labels` of a store, if the store has such an array and the array holds numbers for all
/// `n` images.
pub(super) fn labels_of(labels: Option<&mut Column>, n: u64) -> Result<Labels, DataError> {
    let Some(labels) = labels else { return Ok(no_labels(n, "the store has none")) };
    let Some(element) = labels.element() else { return Ok(no_labels(n, labels.no_numbers())) };
    let shape = labels.shape().to_vec();
    read_labels((element, &shape), n, |_| labels.read(0..n))
}

#[cfg(test)]
mod tests;

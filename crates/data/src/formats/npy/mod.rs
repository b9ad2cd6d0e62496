//! Arrays of NumPy: `<flag>/<split>_images.npy`, or `<flag>_<split>_images.npy` beside one another, and the same with `_labels`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Entry, Labels, Options, Source};
use crate::arrays::{Channels, Images, no_labels, read_labels};
use crate::numpy::Member;
use crate::preprocess::Pixels;
use crate::{DataError, digest};

/// Names of splits, to which arrays are known.
const SPLITS: [&str; 3] = ["train", "val", "test"];

pub(super) const ENTRY: Entry = Entry {
    name: "npy",
    // Where files stand beside one another, the place is what their names begin with.
    places: |root, flag, size| vec![root.join(format!("{flag}_{size}")), root.join(flag)],
    fits: |place| SPLITS.iter().any(|split| found(place, split, "images").is_some()),
    open: |place, split, options| Ok(Box::new(Npy::open(place, split, options)?)),
};

/// File of the images or labels of `split`.
fn found(place: &Path, split: &str, what: &str) -> Option<PathBuf> {
    let flag = place.file_name().unwrap_or_default().to_string_lossy();
    let files = [place.join(format!("{split}_{what}.npy")), place.with_file_name(format!("{flag}_{split}_{what}.npy"))];
    files.into_iter().find(|file| file.is_file())
}

struct Npy {
    images: Member,
    layout: Images,
    labels: Option<Member>,
    content: Value,
}

impl Npy {
    fn open(place: &Path, split: &str, options: &Options) -> Result<Self, DataError> {
        let file = found(place, split, "images").ok_or_else(|| DataError::Content {
            file: place.to_owned(),
            reason: format!("no array `{split}_images.npy` in it, and none whose name begins so"),
        })?;
        let images = Member::open_array(&file)?;
        let labels = found(place, split, "labels");
        let labels = labels.map(|file| Member::open_array(&file).map(|labels| (file, labels))).transpose()?;
        let element = images.element.ok_or_else(|| images.error(images.no_numbers()))?;
        let layout = Images::new((element, &images.header.descr), &images.header.shape, Channels::LastOrFirst, options);
        let layout = layout.map_err(|reason| images.error(reason))?;
        let named = |file: &Path, array: &Member| -> Result<Value, DataError> {
            let digest = digest::of_files(file, &[(String::new(), array.size())])?;
            Ok(json!(format!("{:?} {} sha256 {digest}", array.header.shape, array.header.descr)))
        };
        let mut content = json!({"images": named(&file, &images)?, "labels": null});
        if let Some((file, labels)) = &labels {
            content["labels"] = named(file, labels)?;
        }
        layout.tell_range(&mut content);
        Ok(Self { images, layout, labels: labels.map(|(_, labels)| labels), content })
    }
}

impl Source for Npy {
    fn len(&self) -> u64 {
        self.layout.len
    }

    fn shape(&self) -> [usize; 3] {
        self.layout.shape
    }

    fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError> {
        self.layout.within(&range).map_err(|reason| self.images.error(reason))?;
        let size = self.layout.size();
        let bytes = self.images.read(range.start * size, range.end * size)?;
        self.layout.pixels(bytes, range.start).map_err(|reason| self.images.error(reason))
    }

    fn labels(&mut self) -> Result<Labels, DataError> {
        let n = self.layout.len;
        let Some(labels) = self.labels.as_mut() else { return Ok(no_labels(n, "there is no array of labels")) };
        let Some(element) = labels.element else { return Ok(no_labels(n, labels.no_numbers())) };
        let shape = labels.header.shape.clone();
        read_labels((element, &shape), n, |bytes| labels.read(0, bytes))
    }

    /// The files have no checksums.
    fn verify(&mut self) -> Result<(), DataError> {
        Ok(())
    }

    fn content(&self) -> Value {
        self.content.clone()
    }
}

#[cfg(test)]
mod tests;

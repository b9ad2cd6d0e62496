//! MedMNIST: one .npz archive for a dataset, with `<split>_images` (N,H,W) or (N,H,W,3) and perhaps `<split>_labels` (N,L).
//!
//! <https://medmnist.com>. Every size but 28 px is part of the file name: `<flag>_224.npz`, `<flag>.npz`. MedMNIST is published in
//! 28, 64, 128 and 224 px; a user's own dataset may have any size (CIFAR: `<flag>_32.npz`).

use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};

use super::{Entry, Labels, Options, Source};
use crate::DataError;
use crate::numpy::Member;
use crate::preprocess::Pixels;

mod images;
mod labels;

pub(super) const ENTRY: Entry = Entry {
    name: "medmnist",
    places: |root, flag, size| match size {
        28 => vec![root.join(format!("{flag}.npz"))],
        _ => vec![root.join(format!("{flag}_{size}.npz"))],
    },
    fits: Path::exists,
    open: |file, split, options| Ok(Box::new(MedMnist::open(file, split, options)?)),
};

struct MedMnist {
    images: images::Images,
    /// Labels; `None` for an archive without labels.
    labels: Option<Member>,
}

impl MedMnist {
    fn open(file: &Path, split: &str, options: &Options) -> Result<Self, DataError> {
        let images = images::Images::open(file, split, options)?;
        let labels = match Member::open(file, &format!("{split}_labels")) {
            Ok(labels) => Some(labels),
            Err(DataError::Member { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { images, labels })
    }
}

impl Source for MedMnist {
    fn len(&self) -> u64 {
        self.images.array.len
    }

    fn shape(&self) -> [usize; 3] {
        self.images.array.shape
    }

    fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError> {
        self.images.read(range)
    }

    fn labels(&mut self) -> Result<Labels, DataError> {
        labels::read(self.labels.as_mut(), self.images.array.len)
    }

    fn verify(&mut self) -> Result<(), DataError> {
        self.images.member.verify()?;
        self.labels.as_mut().map_or(Ok(()), Member::verify)
    }

    fn content(&self) -> Value {
        let name = |member: &Member| format!("{:?} crc32 {:08x}", member.header.shape, member.crc32);
        let mut content = json!({"images": name(&self.images.member), "labels": self.labels.as_ref().map(name)});
        self.images.array.tell_range(&mut content);
        content
    }
}

#[cfg(test)]
mod tests;

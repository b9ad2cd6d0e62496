//! CIFAR-10 and CIFAR-100 in the files of their authors: pickles of Python, or records of bytes.
//!
//! <https://www.cs.toronto.edu/~kriz/cifar.html>. The folder that the archives unpack to lies in `<flag>`, or beside it if the flag is
//! `cifar10` or `cifar100`, as torchvision leaves it.

use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};

use super::entry::plain;
use super::{Entry, Labels, Options, Source};
use crate::arrays::channels_last;
use crate::preprocess::Pixels;
use crate::{DataError, digest};

mod batch;
mod pickle;
mod value;

use batch::{Batch, Records};

/// Height, width and channels of an image.
const SHAPE: [usize; 3] = [32, 32, 3];

pub(super) const ENTRY: Entry = Entry {
    name: "cifar",
    places: |root, flag, _| {
        let inside = LAYOUTS.iter().map(|layout| root.join(flag).join(layout.folder));
        let beside =
            LAYOUTS.iter().filter(|layout| layout.dataset == plain(flag)).map(|layout| root.join(layout.folder));
        inside.chain(beside).collect()
    },
    fits: |place| layout(place).is_some() && place.is_dir(),
    open: |place, split, _: &Options| Ok(Box::new(Cifar::open(place, split)?)),
};

/// Layout of the files of a data set.
struct Layout {
    folder: &'static str,
    dataset: &'static str,
    train: &'static [&'static str],
    test: &'static [&'static str],
    records: Records,
}

const LAYOUTS: [Layout; 4] = [
    Layout {
        folder: "cifar-10-batches-py",
        dataset: "cifar10",
        train: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
        test: &["test_batch"],
        records: Records::Pickle { labels: "labels" },
    },
    Layout {
        folder: "cifar-10-batches-bin",
        dataset: "cifar10",
        train: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
        test: &["test_batch.bin"],
        records: Records::Bytes { labels: 1 },
    },
    Layout {
        folder: "cifar-100-python",
        dataset: "cifar100",
        train: &["train"],
        test: &["test"],
        records: Records::Pickle { labels: "fine_labels" },
    },
    Layout {
        folder: "cifar-100-binary",
        dataset: "cifar100",
        train: &["train.bin"],
        test: &["test.bin"],
        records: Records::Bytes { labels: 2 },
    },
];

/// Layout of the folder at `place`, by its name.
fn layout(place: &Path) -> Option<&'static Layout> {
    LAYOUTS.iter().find(|layout| place.file_name().is_some_and(|name| name == layout.folder))
}

struct Cifar {
    batches: Vec<Batch>,
    content: Value,
}

impl Cifar {
    fn open(place: &Path, split: &str) -> Result<Self, DataError> {
        let failed = |reason| DataError::Content { file: place.to_owned(), reason };
        let layout = layout(place).ok_or_else(|| failed("its name is none of CIFAR's folders".to_owned()))?;
        let names = match split {
            "train" => layout.train,
            "test" => layout.test,
            _ => return Err(failed(format!("no split `{split}`; it has: train, test"))),
        };
        let batches: Result<Vec<Batch>, _> =
            names.iter().map(|name| Batch::open(&place.join(name), layout.records)).collect();
        let batches = batches?;
        let sized: Vec<(String, u64)> =
            names.iter().zip(&batches).map(|(name, batch)| ((*name).to_owned(), batch.size)).collect();
        let content =
            json!({"images": format!("{split} {} sha256 {}", layout.folder, digest::of_files(place, &sized)?)});
        Ok(Self { batches, content })
    }

    fn count(&self) -> u64 {
        self.batches.iter().map(|batch| batch.labels.len() as u64).sum()
    }
}

impl Source for Cifar {
    fn len(&self) -> u64 {
        self.count()
    }

    fn shape(&self) -> [usize; 3] {
        SHAPE
    }

    fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError> {
        let (mut pixels, mut first) = (Vec::new(), 0);
        for batch in &self.batches {
            let end = first + batch.labels.len() as u64;
            let (from, to) = (range.start.max(first), range.end.min(end));
            if from < to {
                pixels.extend(batch.images(from - first..to - first)?);
            }
            first = end;
        }
        if range.start > range.end || range.end > first {
            let file = self.batches.first().map(|batch| batch.file.clone()).unwrap_or_default();
            return Err(DataError::Content {
                file,
                reason: format!("images {range:?} were asked for, there are {first}"),
            });
        }
        Ok(Pixels::Bytes(channels_last(&pixels, SHAPE)))
    }

    fn labels(&mut self) -> Result<Labels, DataError> {
        let values = self.batches.iter().flat_map(|batch| batch.labels.iter().copied()).collect();
        Ok(Labels { values, width: 1, missing: None })
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

//! MedMNIST: one .npz a dataset, with `<split>_images` (N,H,W) or (N,H,W,3) and `<split>_labels` (N,L).
//!
//! <https://medmnist.com>. Every size but 28 px is part of the file name: `<flag>_224.npz`, `<flag>.npz`. It is
//! published in 28, 64, 128 and 224 px; a user's own dataset may have any size (CIFAR: `<flag>_32.npz`).

use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};

use super::{Entry, Labels, Source};
use crate::DataError;
use crate::npz::{Member, element_size};

pub(super) const ENTRY: Entry = Entry {
    name: "medmnist",
    file: |root, flag, size| match size {
        28 => root.join(format!("{flag}.npz")),
        _ => root.join(format!("{flag}_{size}.npz")),
    },
    open: |file, split| Ok(Box::new(MedMnist::open(file, split)?)),
};

/// Most labels that are accepted in one split: they are held in memory. Deflate makes them of a few kilobytes.
const MAX_LABELS: u64 = 1 << 24;

/// Largest height and width that are accepted: four times what a config can ask for.
const MAX_SIDE: u64 = 4096;

struct MedMnist {
    images: Member,
    labels: Member,
    len: u64,
    shape: [usize; 3],
}

impl MedMnist {
    fn open(file: &Path, split: &str) -> Result<Self, DataError> {
        let images = Member::open(file, &format!("{split}_images"))?;
        let labels = Member::open(file, &format!("{split}_labels"))?;
        if images.header.descr != "|u1" {
            return Err(images.error(format!("pixels of type `{}`, expected `|u1`", images.header.descr)));
        }
        let (len, shape) = match images.header.shape[..] {
            [n, h, w] => (n, [h as usize, w as usize, 1]),
            [n, h, w, c @ (1 | 3)] => (n, [h as usize, w as usize, c as usize]),
            _ => return Err(images.error(format!("shape {:?}, expected (N,H,W) or (N,H,W,3)", images.header.shape))),
        };
        if shape.iter().any(|side| !(1..=MAX_SIDE).contains(&(*side as u64))) {
            let text = format!("shape {:?}, sides from 1 to {MAX_SIDE} are accepted", images.header.shape);
            return Err(images.error(text));
        }
        if labels.header.shape.first() != Some(&len) || labels.header.shape.len() > 2 {
            return Err(labels.error(format!("shape {:?}, expected ({len},1)", labels.header.shape)));
        }
        if labels.header.elements().is_none_or(|n| n > MAX_LABELS) {
            return Err(
                labels.error(format!("shape {:?}, at most {MAX_LABELS} labels are accepted", labels.header.shape))
            );
        }
        Ok(Self { images, labels, len, shape })
    }
}

impl Source for MedMnist {
    fn len(&self) -> u64 {
        self.len
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn read(&mut self, range: Range<u64>) -> Result<Vec<u8>, DataError> {
        if range.start > range.end || range.end > self.len {
            return Err(self.images.error(format!("images {range:?} were asked for, there are {}", self.len)));
        }
        let image = self.shape.iter().product::<usize>() as u64;
        self.images.read(range.start * image, range.end * image)
    }

    fn labels(&mut self) -> Result<Labels, DataError> {
        let header = &self.labels.header;
        let width = header.shape.get(1).map_or(1, |width| *width as usize);
        let (descr, size) = (header.descr.clone(), element_size(&header.descr).unwrap_or(1));
        let bytes = self.labels.read(0, self.len * width as u64 * size)?;
        let values = bytes.chunks_exact(size as usize).map(|element| integer(element, &descr)).collect();
        Ok(Labels { values, width })
    }

    fn verify(&mut self) -> Result<(), DataError> {
        self.images.verify()?;
        self.labels.verify()
    }

    fn content(&self) -> Value {
        let name = |member: &Member| format!("{:?} crc32 {:08x}", member.header.shape, member.crc32);
        json!({"images": name(&self.images), "labels": name(&self.labels)})
    }
}

/// A little-endian integer of any width; unsigned where NumPy's type says so.
fn integer(bytes: &[u8], descr: &str) -> i64 {
    let negative = descr.contains('i') && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(wide)
}

#[cfg(test)]
mod tests;

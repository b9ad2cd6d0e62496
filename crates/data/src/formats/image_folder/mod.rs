//! Folders of pictures: `<flag>/<split>/<class>/*.jpg` as torchvision's `ImageFolder` reads them, or `<flag>/<split>/*.jpg` with
//! `<flag>/<split>.csv`, which has a file and its label in each row.

use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Entry, Labels, Options, Source};
use crate::arrays::{MAX_LABELS, no_labels};
use crate::pictures::{FILES, Geometry, Taken, decode_all};
use crate::preprocess::Pixels;
use crate::{DataError, digest};

mod classes;
mod table;

/// Names of splits, to which a folder of pictures is known.
const SPLITS: [&str; 3] = ["train", "val", "test"];

/// Largest file of a picture in bytes.
const MOST_BYTES: u64 = 1 << 28;

pub(super) const ENTRY: Entry = Entry {
    name: "image_folder",
    // Scripts on ImageNet have its splits in the root itself.
    places: |root, flag, _| {
        std::iter::once(root.join(flag)).chain((flag == "imagenet").then(|| root.to_owned())).collect()
    },
    fits: |place| SPLITS.iter().any(|split| place.join(split).is_dir()),
    open: |place, split, options| Ok(Box::new(ImageFolder::open(place, split, options)?)),
};

/// Pictures of a split, in the order of their indices.
struct Listing {
    /// Paths below the folder of the split.
    files: Vec<String>,
    /// Label of each picture; the reason if there are none.
    labels: Result<Vec<i64>, String>,
}

struct ImageFolder {
    folder: PathBuf,
    /// Paths below the folder, each with the size of the file in bytes.
    files: Vec<(String, u64)>,
    labels: Labels,
    geometry: Geometry,
    content: Value,
}

impl ImageFolder {
    fn open(place: &Path, split: &str, options: &Options) -> Result<Self, DataError> {
        let (folder, table) = (place.join(split), place.join(format!("{split}.csv")));
        if !folder.is_dir() {
            let has = folders(place)?.join(", ");
            return Err(content(place, format!("no folder `{split}`; it has: {has}")));
        }
        let listing = if table.is_file() { table::list(&table, &folder)? } else { classes::list(&folder)? };
        if listing.files.len() as u64 > MAX_LABELS {
            return Err(content(&folder, format!("{} images, at most {MAX_LABELS} are accepted", listing.files.len())));
        }
        let n = listing.files.len() as u64;
        let sized = |name: String| {
            let file = folder.join(&name);
            match fs::metadata(&file) {
                Ok(metadata) if metadata.is_file() => Ok((name, metadata.len())),
                Ok(_) => Err(content(&file, "no regular file".to_owned())),
                Err(source) => Err(DataError::Read { file, source }),
            }
        };
        let files: Vec<(String, u64)> = listing.files.into_iter().map(sized).collect::<Result<_, _>>()?;
        let labels = match listing.labels {
            Ok(values) => Labels { values, width: 1, missing: None },
            Err(reason) => no_labels(n, reason),
        };
        let geometry = Geometry::of(options.size);
        let of_labels =
            labels.values.iter().fold(Sha256::new(), |digest, label| digest.chain_update(label.to_le_bytes()));
        let content = json!({
            "images": format!("{n} files sha256 {}", digest::of_files(&folder, &files)?),
            "labels": format!("sha256 {}", hex::encode(of_labels.finalize())),
            "scaled": format!("shorter side to {} px as PIL does it (bilinear), then the middle", geometry.shorter),
        });
        Ok(Self { folder, files, labels, geometry, content })
    }

    /// Bytes of a picture, if the file still has the size that it had when the folder was listed.
    fn bytes(&self, index: usize) -> Result<(Vec<u8>, Taken), DataError> {
        let (name, size) = &self.files[index];
        let file = self.folder.join(name);
        if *size > MOST_BYTES {
            return Err(content(&file, format!("{} MiB, at most {} MiB are accepted", size >> 20, MOST_BYTES >> 20)));
        }
        let taken = FILES.take(*size);
        let mut bytes = Vec::with_capacity(*size as usize + 1);
        let read = File::open(&file).and_then(|opened| opened.take(size + 1).read_to_end(&mut bytes));
        read.map_err(|source| DataError::Read { file: file.clone(), source })?;
        if bytes.len() as u64 != *size {
            return Err(content(&file, format!("it had {size} bytes when the folder was listed, and was changed")));
        }
        Ok((bytes, taken))
    }
}

impl Source for ImageFolder {
    fn len(&self) -> u64 {
        self.files.len() as u64
    }

    fn shape(&self) -> [usize; 3] {
        [self.geometry.size, self.geometry.size, 3]
    }

    fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError> {
        let n = self.files.len() as u64;
        if range.start > range.end || range.end > n {
            return Err(content(&self.folder, format!("images {range:?} were asked for, there are {n}")));
        }
        let (first, count) = (range.start as usize, (range.end - range.start) as usize);
        let size = count.saturating_mul(self.geometry.size * self.geometry.size * 3);
        let mut images = Vec::new();
        if images.try_reserve_exact(size).is_err() {
            return Err(content(&self.folder, format!("images {range:?} fit no memory, {} MiB", size >> 20)));
        }
        images.resize(size, 0);
        decode_all(
            &mut images,
            self.geometry,
            |at| self.bytes(first + at),
            |at, reason| content(&self.folder.join(&self.files[first + at].0), reason),
        )?;
        Ok(Pixels::Bytes(images))
    }

    fn labels(&mut self) -> Result<Labels, DataError> {
        Ok(self.labels.clone())
    }

    /// A picture has no checksum of its whole: damage shows where the picture is decoded.
    fn verify(&mut self) -> Result<(), DataError> {
        Ok(())
    }

    fn content(&self) -> Value {
        self.content.clone()
    }
}

/// Names of the folders in `folder`, in the order of their names.
fn folders(folder: &Path) -> Result<Vec<String>, DataError> {
    let mut names = names(folder)?;
    names.retain(|name| folder.join(name).is_dir());
    Ok(names)
}

/// Names of the entries of `folder`, in the order of Python: by the numbers of their letters.
fn names(folder: &Path) -> Result<Vec<String>, DataError> {
    let failed = |source| DataError::Read { file: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.into_string().map_err(|name| {
            content(folder, format!("the name `{}` is not in UTF-8; rename it", name.to_string_lossy()))
        })?;
        names.push(name);
    }
    names.sort();
    Ok(names)
}

/// Whether a file of this name is a picture that is read; an error for pictures of other kinds, without which indices would shift.
fn is_picture(folder: &Path, name: &str) -> Result<bool, DataError> {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("jpg" | "jpeg" | "png") => Ok(true),
        Some("ppm" | "bmp" | "pgm" | "tif" | "tiff" | "webp") => Err(content(
            &folder.join(name),
            "a picture that is neither JPEG nor PNG; save it as one of these".to_owned(),
        )),
        _ => Ok(false),
    }
}

fn content(file: &Path, reason: String) -> DataError {
    DataError::Content { file: file.to_owned(), reason }
}

#[cfg(test)]
mod tests;

//! MNIST and its likes in the files of their authors: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same with `t10k`,
//! plain or packed by gzip.
//!
//! <http://yann.lecun.com/exdb/mnist/>. The files lie in `<flag>`, in `<flag>/raw`, or where torchvision leaves them:
//! `MNIST/raw`, `FashionMNIST/raw` in the root or in `<flag>`.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use super::entry::plain;
use super::{Entry, Labels, Options, Source};
use crate::arrays::{Channels, Images, no_labels, read_labels};
use crate::numpy::Element;
use crate::preprocess::Pixels;
use crate::{DataError, digest};

/// Names that torchvision gives to the folders.
const FOLDERS: [&str; 4] = ["MNIST", "FashionMNIST", "KMNIST", "QMNIST"];

/// Largest packed file in bytes, unpacked: it is held in memory. That of MNIST has 47 million.
const MOST_UNPACKED: u64 = 1 << 27;

pub(super) const ENTRY: Entry = Entry {
    name: "idx",
    places: |root, flag, _| {
        let of_flag = root.join(flag);
        let own = [of_flag.clone(), of_flag.join("raw")];
        let inside = FOLDERS.iter().map(|name| of_flag.join(name).join("raw"));
        let beside = FOLDERS.iter().filter(|name| plain(name) == plain(flag)).map(|name| root.join(name).join("raw"));
        own.into_iter().chain(inside).chain(beside).collect()
    },
    fits: |place| ["train", "t10k"].iter().any(|part| found(place, part, "images").is_some()),
    open: |place, split, options| Ok(Box::new(Idx::open(place, split, options)?)),
};

/// File of the images or labels of `part` in `folder`, plain rather than packed.
fn found(folder: &Path, part: &str, what: &str) -> Option<PathBuf> {
    let axes = if what == "images" { 3 } else { 1 };
    let names = [format!("{part}-{what}-idx{axes}-ubyte"), format!("{part}-{what}.idx{axes}-ubyte")];
    let files =
        ["", ".gz"].iter().flat_map(|packed| names.iter().map(move |name| folder.join(format!("{name}{packed}"))));
    files.into_iter().find(|file| file.is_file())
}

struct Idx {
    images: Array,
    layout: Images,
    labels: Option<Array>,
    content: Value,
}

impl Idx {
    fn open(place: &Path, split: &str, options: &Options) -> Result<Self, DataError> {
        let failed = |reason| DataError::Content { file: place.to_owned(), reason };
        let part = match split {
            "train" => "train",
            "test" => "t10k",
            _ => return Err(failed(format!("no split `{split}`; it has: train, test"))),
        };
        let file = found(place, part, "images").ok_or_else(|| failed(format!("no file `{part}-images-idx3-ubyte`")))?;
        let images = Array::open(&file)?;
        let labels = found(place, part, "labels").map(|file| Array::open(&file)).transpose()?;
        let layout = Images::new((images.element, "idx"), &images.shape, Channels::Last, options);
        let layout = layout.map_err(|reason| images.error(reason))?;
        let files = [Some(&images), labels.as_ref()].into_iter().flatten().map(Array::sized).collect::<Vec<_>>();
        let mut content =
            json!({"images": format!("{part} idx {:?} sha256 {}", images.shape, digest::of_files(place, &files)?)});
        layout.tell_range(&mut content);
        Ok(Self { images, layout, labels, content })
    }
}

impl Source for Idx {
    fn len(&self) -> u64 {
        self.layout.len
    }

    fn shape(&self) -> [usize; 3] {
        self.layout.shape
    }

    fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError> {
        self.layout.within(&range).map_err(|reason| self.images.error(reason))?;
        let size = self.layout.size();
        let bytes = self.images.read(range.start * size..range.end * size)?;
        self.layout.pixels(bytes, range.start).map_err(|reason| self.images.error(reason))
    }

    fn labels(&mut self) -> Result<Labels, DataError> {
        let n = self.layout.len;
        let Some(labels) = self.labels.as_ref() else { return Ok(no_labels(n, "the folder has none")) };
        read_labels((labels.element, &labels.shape), n, |bytes| labels.read(0..bytes))
    }

    /// Checksums of packed files were compared when the files were opened; plain files have none.
    fn verify(&mut self) -> Result<(), DataError> {
        Ok(())
    }

    fn content(&self) -> Value {
        self.content.clone()
    }
}

/// An array: a header of two zeros, a type, a number of axes, and their sizes with the highest byte first.
struct Array {
    file: PathBuf,
    /// Size of the file in bytes, packed or not.
    size: u64,
    element: Element,
    shape: Vec<u64>,
    /// Position of the first element.
    start: u64,
    /// The whole file, where it was packed.
    unpacked: Option<Vec<u8>>,
}

impl Array {
    fn open(file: &Path) -> Result<Self, DataError> {
        let failed = |source| DataError::Read { file: file.to_owned(), source };
        let error = |reason: String| DataError::Content { file: file.to_owned(), reason };
        let size = fs::metadata(file).map_err(failed)?.len();
        let mut opened = File::open(file).map_err(failed)?;
        let mut unpacked = None;
        let mut head = Vec::new();
        if file.extension().is_some_and(|ending| ending == "gz") {
            let mut bytes = Vec::new();
            let read = MultiGzDecoder::new(opened).take(MOST_UNPACKED + 1).read_to_end(&mut bytes);
            read.map_err(|source| error(format!("damaged: {source}")))?;
            if bytes.len() as u64 > MOST_UNPACKED {
                return Err(error(format!("more than {} MiB, unpacked; unpack it with gunzip", MOST_UNPACKED >> 20)));
            }
            head.extend_from_slice(&bytes[..bytes.len().min(64)]);
            unpacked = Some(bytes);
        } else {
            opened.by_ref().take(64).read_to_end(&mut head).map_err(failed)?;
        }
        let length = unpacked.as_ref().map_or(size, |bytes| bytes.len() as u64);
        let (element, shape) = header(&head).map_err(error)?;
        let start = 4 + 4 * shape.len() as u64;
        let wanted = shape.iter().try_fold(element.size(), |product, size| product.checked_mul(*size));
        if wanted.and_then(|wanted| wanted.checked_add(start)) != Some(length) {
            return Err(error(format!("its header says {shape:?}, which does not fit its {length} bytes")));
        }
        Ok(Self { file: file.to_owned(), size, element, shape, start, unpacked })
    }

    fn error(&self, reason: impl Into<String>) -> DataError {
        DataError::Content { file: self.file.clone(), reason: reason.into() }
    }

    /// Name and size in bytes.
    fn sized(&self) -> (String, u64) {
        (self.file.file_name().unwrap_or_default().to_string_lossy().into_owned(), self.size)
    }

    /// Bytes `range` of the elements.
    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, DataError> {
        let (start, size) = (self.start + range.start, (range.end - range.start) as usize);
        if let Some(bytes) = &self.unpacked {
            let part = bytes.get(start as usize..start as usize + size);
            return part.map(<[u8]>::to_vec).ok_or_else(|| self.error("cut off"));
        }
        let mut bytes = vec![0; size];
        let read = File::open(&self.file).and_then(|mut file| {
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut bytes)
        });
        read.map(|()| bytes).map_err(|source| DataError::Read { file: self.file.clone(), source })
    }
}

/// Type and shape in the header of an array. The error is one sentence.
fn header(head: &[u8]) -> Result<(Element, Vec<u64>), String> {
    let [0, 0, kind, axes, sizes @ ..] = head else { return Err("does not start as an idx file does".to_owned()) };
    let descr = match kind {
        0x08 => "|u1",
        0x09 => "|i1",
        0x0b => ">i2",
        0x0c => ">i4",
        0x0d => ">f4",
        0x0e => ">f8",
        _ => return Err(format!("elements of the type 0x{kind:02x}, which idx does not have")),
    };
    let sizes = sizes.get(..4 * usize::from(*axes)).filter(|_| (1..=4).contains(axes));
    let sizes = sizes.ok_or_else(|| format!("{axes} axes, or cut off in its header"))?;
    let size = |bytes: &[u8]| bytes.iter().fold(0, |size, byte| size << 8 | u64::from(*byte));
    let element = Element::parse(descr).ok_or("no numbers")?;
    Ok((element, sizes.chunks_exact(4).map(size).collect()))
}

#[cfg(test)]
mod tests;

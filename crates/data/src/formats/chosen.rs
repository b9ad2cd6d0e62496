//! Some images of a split, by their indices.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use sweep::preprocessing::Preprocessing;

use super::{Labels, Source};
use crate::DataError;
use crate::preprocess::Pixels;

/// Images of a split that a config chooses, in the order in which it names them.
pub(super) struct Chosen {
    all: Box<dyn Source>,
    indices: Arc<[u64]>,
    content: Value,
}

impl Chosen {
    /// Images `indices` of `all`, which is a split at a place.
    pub(super) fn of(
        all: Box<dyn Source>,
        indices: &Arc<[u64]>,
        (place, split): (&Path, &str),
    ) -> Result<Self, DataError> {
        let n = all.len();
        if let Some(beyond) = indices.iter().find(|index| **index >= n) {
            let reason = format!("`indices` names image {beyond}, and the split `{split}` has {n} images, from 0 on");
            return Err(DataError::Content { file: place.to_owned(), reason });
        }
        let mut content = all.content();
        content["indices"] = json!(indices);
        Ok(Self { all, indices: Arc::clone(indices), content })
    }
}

impl Source for Chosen {
    fn len(&self) -> u64 {
        self.indices.len() as u64
    }

    fn shape(&self) -> [usize; 3] {
        self.all.shape()
    }

    fn preprocessing(&self) -> Preprocessing {
        self.all.preprocessing()
    }

    fn is_one_split(&self) -> bool {
        self.all.is_one_split()
    }

    /// Reads in rising order, as archives are unpacked from front to back, and neighbours together.
    fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError> {
        let wanted = self.indices.get(range.start as usize..range.end as usize).unwrap_or_default();
        let mut rising: Vec<(u64, usize)> = wanted.iter().copied().zip(0..).collect();
        rising.sort_unstable();
        let image = self.all.shape().iter().product::<usize>();
        let mut pixels: Option<Pixels> = None;
        for run in rising.chunk_by(|(index, _), (next, _)| index + 1 == *next) {
            let read = self.all.read(run[0].0..run[0].0 + run.len() as u64)?;
            let pixels = pixels.get_or_insert_with(|| match read {
                Pixels::Bytes(_) => Pixels::Bytes(vec![0; wanted.len() * image]),
                Pixels::Floats(_) => Pixels::Floats(vec![0.0; wanted.len() * image]),
                Pixels::Ready(_) => Pixels::Ready(vec![0.0; wanted.len() * image]),
            });
            for (from, (_, to)) in run.iter().enumerate() {
                let (from, to) = (from * image..(from + 1) * image, to * image..(to + 1) * image);
                match (&read, &mut *pixels) {
                    (Pixels::Bytes(read), Pixels::Bytes(pixels)) => pixels[to].copy_from_slice(&read[from]),
                    (Pixels::Floats(read), Pixels::Floats(pixels)) | (Pixels::Ready(read), Pixels::Ready(pixels)) => {
                        pixels[to].copy_from_slice(&read[from]);
                    }
                    _ => {}
                }
            }
        }
        pixels.map_or_else(|| self.all.read(0..0), Ok)
    }

    fn labels(&mut self) -> Result<Labels, DataError> {
        let Labels { values, width, missing } = self.all.labels()?;
        let rows =
            self.indices.iter().flat_map(|index| &values[*index as usize * width..(*index as usize + 1) * width]);
        Ok(Labels { values: rows.copied().collect(), width, missing })
    }

    fn predictions(&mut self, range: Range<u64>) -> Result<Option<Vec<f32>>, DataError> {
        let mut all = Vec::new();
        for index in self.indices.get(range.start as usize..range.end as usize).unwrap_or_default() {
            let Some(logits) = self.all.predictions(*index..index + 1)? else { return Ok(None) };
            all.extend(logits);
        }
        Ok(Some(all))
    }

    fn verify(&mut self) -> Result<(), DataError> {
        self.all.verify()
    }

    fn content(&self) -> Value {
        self.content.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FORMATS, Options};
    use super::*;

    /// Images of one pixel, whose values are their indices.
    fn written(folder: &Path) {
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (9, 1, 1), }\n";
        let of = |descr: &str, data: Vec<u8>| {
            let header = header.replace("|u1", descr);
            [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &data].concat()
        };
        std::fs::write(folder.join("x_test_images.npy"), of("|u1", (0..9).collect())).unwrap();
        let floats = (0..9_u8).flat_map(|value| (f32::from(value) / 9.0).to_le_bytes()).collect();
        std::fs::write(folder.join("y_test_images.npy"), of("<f4", floats)).unwrap();
        std::fs::write(folder.join("x_test_labels.npy"), of("|u1", (20..29).collect()).as_slice()).unwrap();
    }

    fn open(place: &Path, indices: &[u64]) -> Result<Box<dyn Source>, DataError> {
        let options = Options { indices: Some(indices.into()), float_range: Some([0.0, 1.0]), ..Options::default() };
        FORMATS.open("npy", place, "test", &options)
    }

    #[test]
    fn images_and_labels_come_in_the_order_in_which_they_are_named() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path());
        let mut source = open(&folder.path().join("x"), &[7, 0, 3, 4, 2, 8]).unwrap();
        assert_eq!(source.len(), 6);
        assert_eq!(source.read(0..6).unwrap(), Pixels::Bytes(vec![7, 0, 3, 4, 2, 8]));
        assert_eq!(source.read(1..4).unwrap(), Pixels::Bytes(vec![0, 3, 4]));
        assert_eq!(source.read(2..2).unwrap(), Pixels::Bytes(vec![]));
        assert_eq!(source.content()["indices"], json!([7, 0, 3, 4, 2, 8]));
        let mut floats = open(&folder.path().join("y"), &[5, 1]).unwrap();
        assert_eq!(floats.read(0..2).unwrap(), Pixels::Floats(vec![5.0 / 9.0, 1.0 / 9.0]));
    }

    #[test]
    fn an_image_that_the_split_does_not_have_is_told() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path());
        let told = open(&folder.path().join("x"), &[8, 9]).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(told.ends_with("x`: `indices` names image 9, and the split `test` has 9 images, from 0 on"), "{told}");
    }
}

//! A dataset format is an entry of a list: a toy format with float pixels in two files.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::fs;
use std::ops::Range;
use std::path::Path;

use data::DataError;
use data::formats::{Entry, FORMATS, Formats, Labels, Options, Source};
use data::preprocess::{Pixels, prepare};
use serde_json::{Value, json};
use sweep::preprocessing::Preprocessing;

/// A folder for a dataset: `<split>.f32` has grey images of 2x4 pixels from 0 to 1, `<split>.labels` a byte for each.
const TOY: Entry = Entry {
    name: "toy",
    places: |root, flag, _| vec![root.join(flag)],
    fits: Path::exists,
    open: |place, split, options| {
        let pixels = fs::read(place.join(format!("{split}.f32"))).unwrap();
        let pixels = pixels.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
        let labels = fs::read(place.join(format!("{split}.labels"))).unwrap();
        Ok(Box::new(Toy { pixels, labels, size: options.size }))
    },
};

const BOTH: Formats = Formats(&[FORMATS.0[0], &TOY]);

struct Toy {
    pixels: Vec<f32>,
    labels: Vec<u8>,
    size: usize,
}

impl Source for Toy {
    fn len(&self) -> u64 {
        self.labels.len() as u64
    }

    fn shape(&self) -> [usize; 3] {
        [2, 4, 1]
    }

    fn preprocessing(&self) -> Preprocessing {
        Preprocessing { crop: Some([self.size; 2]), mean: vec![0.0], std: vec![0.25], ..Preprocessing::default() }
    }

    fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError> {
        Ok(Pixels::Floats(self.pixels[range.start as usize * 8..range.end as usize * 8].to_vec()))
    }

    fn labels(&mut self) -> Result<Labels, DataError> {
        let values = self.labels.iter().map(|label| i64::from(*label)).collect();
        Ok(Labels { values, width: 1, missing: None })
    }

    fn verify(&mut self) -> Result<(), DataError> {
        Ok(())
    }

    fn content(&self) -> Value {
        json!(self.pixels)
    }
}

fn written(folder: &Path) {
    fs::create_dir(folder.join("cells")).unwrap();
    let pixels: Vec<u8> = (0..16).flat_map(|pixel: u8| (f32::from(pixel) / 16.0).to_le_bytes()).collect();
    fs::write(folder.join("cells/train.f32"), pixels).unwrap();
    fs::write(folder.join("cells/train.labels"), [0, 1]).unwrap();
}

#[test]
fn a_format_of_several_files_and_float_pixels_is_found_opened_and_prepared_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(BOTH.locate(folder.path(), "cells", 2).unwrap_err(), folder.path().join("cells_2.npz"));
    written(folder.path());
    let (place, format) = BOTH.locate(folder.path(), "cells", 2).unwrap();
    assert_eq!((place.as_path(), format.name), (folder.path().join("cells").as_path(), "toy"));
    let mut source = BOTH.open("toy", &place, "train", &Options { size: 2, ..Options::default() }).unwrap();
    assert_eq!(source.labels().unwrap().values, [0, 1]);
    // Image 1 has the pixels 8/16 to 15/16; its middle columns are 9, 10, 13 and 14 sixteenths, times 4.
    let pixels = source.read(1..2).unwrap();
    let image = prepare(&source.preprocessing(), &pixels, source.shape(), 1).unwrap();
    assert_eq!(image, [2.25, 2.5, 3.25, 3.5]);
}

#[test]
fn the_mean_image_is_that_of_prepared_images() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    let options = Options { size: 2, ..Options::default() };
    let mut source = BOTH.open("toy", &folder.path().join("cells"), "train", &options).unwrap();
    let preprocessing = source.preprocessing();
    let mean = data::mean::compute(source.as_mut(), &preprocessing).unwrap();
    // Pixels 1, 2, 5 and 6 sixteenths of image 0 and those 8 sixteenths above of image 1, times 4.
    assert_eq!((mean.shape, &mean.values[..4]), ([3, 2, 2], &[1.25, 1.5, 2.25, 2.5][..]));
}

//! Computes the mean image of a split, in one pass and in bounded memory.

use sweep::preprocessing::Preprocessing;

use super::mean_image::Mean;
use crate::formats::Source;
use crate::preprocess::Pixels;
use crate::{DataError, preprocess};

/// Number of channels of every mean image, as in the reference scripts: grey is repeated.
const CHANNELS: usize = 3;

/// Number of pixels' values that are read at a time.
const SLICE: usize = 1 << 22;

/// Computes the mean of all images of `source`, prepared by `preprocessing`. Damaged images are an error, never a mean.
///
/// Sums are in double precision and in the order of the images: the same bytes come out each time.
pub fn compute(source: &mut dyn Source, preprocessing: &Preprocessing) -> Result<Mean, DataError> {
    let [height, width] = preprocessing.size([source.shape()[0], source.shape()[1]]);
    let len = source.len();
    average(source, len, [CHANNELS, height, width], |source, _, pixels| {
        preprocess::prepare(preprocessing, pixels, source.shape(), CHANNELS)
    })
}

/// Computes the mean of the first `len` images of `source`. `prepare` makes images of `shape` (channels, height and width) of pixels,
/// and is told the index of the first of them.
pub(super) fn average<E: From<DataError>>(
    source: &mut dyn Source,
    len: u64,
    shape: [usize; 3],
    prepare: impl Fn(&dyn Source, u64, &Pixels) -> Result<Vec<f32>, E>,
) -> Result<Mean, E> {
    source.verify()?;
    let slice = (SLICE / source.shape().iter().product::<usize>().max(1)).max(1);
    let mut sums = vec![0.0_f64; shape.iter().product::<usize>().max(1)];
    for start in (0..len).step_by(slice) {
        let end = (start + slice as u64).min(len);
        let pixels = source.read(start..end)?;
        for image in prepare(source, start, &pixels)?.chunks_exact(sums.len()) {
            for (sum, value) in sums.iter_mut().zip(image) {
                *sum += f64::from(*value);
            }
        }
    }
    let images = len.max(1) as f64;
    Ok(Mean { shape, values: sums.iter().map(|sum| (sum / images) as f32).collect() })
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use serde_json::Value;

    use super::*;
    use crate::formats::Labels;
    use crate::preprocess::Pixels;

    /// Grey images whose pixels all have the value of the image's index, modulo 256.
    struct Ramp {
        len: u64,
        /// Most images that were asked for at once.
        most: u64,
    }

    impl Source for Ramp {
        fn len(&self) -> u64 {
            self.len
        }

        fn shape(&self) -> [usize; 3] {
            [64, 32, 1]
        }

        fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError> {
            self.most = self.most.max(range.end - range.start);
            Ok(Pixels::Bytes(range.flat_map(|index| vec![index as u8; 64 * 32]).collect()))
        }

        fn labels(&mut self) -> Result<Labels, DataError> {
            Ok(Labels { values: Vec::new(), width: 1, missing: None })
        }

        fn verify(&mut self) -> Result<(), DataError> {
            Ok(())
        }

        fn content(&self) -> Value {
            Value::Null
        }
    }

    /// Over whole ramps the mean pixel is 127.5: exactly the middle of [-1, 1]. Over 0..=1 it is 0.5,
    /// or 1/255 - 1.
    #[test]
    fn the_mean_is_that_of_scaled_images_over_every_slice() {
        let mut source = Ramp { len: 256 * 20, most: 0 };
        let preprocessing = Preprocessing::default();
        let mean = compute(&mut source, &preprocessing).unwrap();
        assert_eq!(mean.shape, [3, 64, 32]);
        assert!(mean.values.iter().all(|value| value.abs() < 1e-7), "{}", mean.values[0]);
        assert!(source.most * 64 * 32 <= SLICE as u64 && source.most > 1, "{}", source.most);
        let of_two = compute(&mut Ramp { len: 2, most: 0 }, &preprocessing).unwrap();
        assert!(of_two.values.iter().all(|value| (value - (1.0 / 255.0 - 1.0)).abs() < 1e-7));
    }
}

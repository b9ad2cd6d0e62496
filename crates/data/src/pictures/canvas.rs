//! What a decoder paints on: rows of a picture in RGB, which become an image of one size.

use super::budget::{PIXELS, Taken};
use super::geometry::Geometry;
use super::resample::Resample;

/// Most pixels of a picture: the largest of `ImageNet` has 61 million.
const MOST_PIXELS: u64 = 1 << 26;

/// A picture that is being decoded.
pub(super) struct Canvas {
    geometry: Geometry,
    resample: Option<Resample>,
    /// Bytes of the budget that this picture has.
    taken: Option<Taken>,
}

impl Canvas {
    pub(super) fn new(geometry: Geometry) -> Self {
        Self { geometry, resample: None, taken: None }
    }

    /// Takes height and width, before memory is taken for the pixels: `held` bytes by the decoder. Waits until other threads have given back as
    /// many. The error is one sentence.
    pub(super) fn begin(&mut self, [height, width]: [usize; 2], held: u64) -> Result<(), String> {
        let pixels = height as u64 * width as u64;
        if pixels == 0 || pixels > MOST_PIXELS {
            return Err(format!(
                "{width}x{height} px, at most {} million pixels are accepted",
                MOST_PIXELS / 1_000_000
            ));
        }
        // Of the rows, scaled, that the image is made of.
        let scaled = height.min(width) as u64 * self.geometry.size as u64 * 3;
        // What a picture had is given back first, or it would wait for itself.
        drop(self.taken.take());
        self.taken = Some(PIXELS.take(held.saturating_add(scaled)));
        self.resample = Some(Resample::new([height, width], self.geometry));
        Ok(())
    }

    /// Takes row `at`, `[width, 3]`. Rows come in rising order.
    pub(super) fn row(&mut self, at: usize, rgb: &[u8]) {
        if let Some(resample) = self.resample.as_mut() {
            resample.push(at, rgb);
        }
    }

    /// The image `[size, size, 3]`, once all rows have come. The error is one sentence.
    pub(super) fn finish(self) -> Result<Vec<u8>, String> {
        self.resample.map(Resample::finish).ok_or_else(|| "no picture in it".to_owned())
    }
}

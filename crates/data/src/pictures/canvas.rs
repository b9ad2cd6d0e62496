//! What a decoder paints on: rows of a picture in RGB, which become an image of one size.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::geometry::Geometry;
use super::resample::Resample;

/// Most pixels of a picture: the largest of `ImageNet` has 61 million.
const MOST_PIXELS: u64 = 1 << 26;

/// Pixels of a picture that many threads may decode at once. Of larger ones, one at a time is decoded.
const LARGE: u64 = 1 << 21;

/// Held while a large picture is decoded.
static LARGE_ONE: Mutex<()> = Mutex::new(());

/// A picture that is being decoded.
pub(super) struct Canvas {
    geometry: Geometry,
    resample: Option<Resample>,
    large: Option<MutexGuard<'static, ()>>,
}

impl Canvas {
    pub(super) fn new(geometry: Geometry) -> Self {
        Self { geometry, resample: None, large: None }
    }

    /// Takes height and width, before memory is taken for the pixels. The error is one sentence.
    pub(super) fn begin(&mut self, [height, width]: [usize; 2]) -> Result<(), String> {
        let pixels = height as u64 * width as u64;
        if pixels == 0 || pixels > MOST_PIXELS {
            return Err(format!(
                "{width}x{height} px, at most {} million pixels are accepted",
                MOST_PIXELS / 1_000_000
            ));
        }
        if pixels > LARGE && self.large.is_none() {
            self.large = Some(LARGE_ONE.lock().unwrap_or_else(PoisonError::into_inner));
        }
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

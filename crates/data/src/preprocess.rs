//! From pixels to what the model sees.

use std::ops::Range;

use crate::DataError;

/// Pixels of images, `[n, height, width, channels]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    /// From 0 to 255.
    Bytes(Vec<u8>),
    /// From 0 to 1.
    Floats(Vec<f32>),
}

impl Pixels {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Floats(floats) => floats.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Scales images of `shape` `[h, w, c]` to `[-1, 1]` and gives `[n, wanted, h, w]`.
///
/// As the reference scripts do: divided by 255, minus 0.5, divided by 0.5, each in float32; a grey
/// image is repeated to the channels that the model takes.
pub fn normalise(pixels: &Pixels, shape: [usize; 3], wanted: usize) -> Result<Vec<f32>, DataError> {
    let images = pixels.len() / shape.iter().product::<usize>().max(1);
    normalise_some(pixels, 0..images, shape, wanted)
}

/// As [`normalise`], of the images `some`, by their indices.
pub fn normalise_some(
    pixels: &Pixels,
    some: Range<usize>,
    shape: [usize; 3],
    wanted: usize,
) -> Result<Vec<f32>, DataError> {
    let values = shape.iter().product::<usize>();
    let some = some.start * values..some.end * values;
    let scale = |pixel: f32| (pixel - 0.5) / 0.5;
    match pixels {
        Pixels::Bytes(bytes) => {
            let scaled: Vec<f32> = (0..=255_u8).map(|pixel| scale(f32::from(pixel) / 255.0)).collect();
            arranged(&bytes[some], shape, wanted, |pixel| scaled[usize::from(pixel)])
        }
        Pixels::Floats(floats) => arranged(&floats[some], shape, wanted, scale),
    }
}

/// The values of `pixels`, each `scaled`, with the channels in front.
fn arranged<T: Copy>(
    pixels: &[T],
    [height, width, channels]: [usize; 3],
    wanted: usize,
    scaled: impl Fn(T) -> f32,
) -> Result<Vec<f32>, DataError> {
    if channels != wanted && channels != 1 {
        return Err(DataError::Channels { found: channels, wanted });
    }
    let mut images = Vec::with_capacity(pixels.len() / channels * wanted);
    for image in pixels.chunks_exact(height * width * channels) {
        for channel in 0..wanted {
            let of_channel = image.iter().skip(channel % channels).step_by(channels);
            images.extend(of_channel.map(|pixel| scaled(*pixel)));
        }
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(pixels: &[u8]) -> Pixels {
        Pixels::Bytes(pixels.to_vec())
    }

    #[test]
    fn channels_move_to_the_front_and_black_and_white_become_minus_one_and_one() {
        let rgb = normalise(&bytes(&[0, 255, 0, 255, 0, 255]), [1, 2, 3], 3).unwrap();
        assert_eq!(rgb, [-1.0, 1.0, 1.0, -1.0, -1.0, 1.0]);
    }

    #[test]
    fn a_grey_image_is_repeated_and_colour_is_not_thrown_away() {
        assert_eq!(normalise(&bytes(&[0, 255]), [1, 2, 1], 3).unwrap(), [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]);
        assert_eq!(normalise(&bytes(&[0, 255]), [1, 2, 1], 1).unwrap(), [-1.0, 1.0]);
        assert!(normalise(&bytes(&[0; 3]), [1, 1, 3], 1).is_err());
    }

    /// A file of pixels divided by 255 in float32 is the file of the pixels.
    #[test]
    fn floats_from_0_to_1_are_the_images_of_the_bytes_that_they_were_divided_from() {
        let pixels: Vec<u8> = (0..=255).collect();
        let floats = Pixels::Floats(pixels.iter().map(|pixel| f32::from(*pixel) / 255.0).collect());
        let (pixels, shape) = (Pixels::Bytes(pixels), [8, 8, 1]);
        assert_eq!(normalise(&floats, shape, 3).unwrap(), normalise(&pixels, shape, 3).unwrap());
        assert_eq!(normalise_some(&floats, 1..3, shape, 1).unwrap(), normalise(&pixels, shape, 1).unwrap()[64..192]);
    }
}

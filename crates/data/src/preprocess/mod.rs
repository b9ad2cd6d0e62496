//! From pixels to the values that a model takes, as a [`Preprocessing`] says.

pub mod made;

use std::ops::Range;

use sweep::preprocessing::Preprocessing;

use crate::DataError;

/// Pixels of images, `[n, height, width, channels]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    /// Values from 0 to 255.
    Bytes(Vec<u8>),
    /// Values from 0 to 1.
    Floats(Vec<f32>),
    /// Values as a model takes them: preprocessed, and with their noise.
    Ready(Vec<f32>),
}

impl Pixels {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Floats(floats) | Self::Ready(floats) => floats.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Prepares images of `shape` `[h, w, c]` for a model of `wanted` channels: `[n, wanted, h, w]`.
///
/// The default is that of the reference scripts: divided by 255, minus 0.5, divided by 0.5, each in float32. A grey image is
/// repeated to the channels that the model takes.
pub fn prepare(
    preprocessing: &Preprocessing,
    pixels: &Pixels,
    shape: [usize; 3],
    wanted: usize,
) -> Result<Vec<f32>, DataError> {
    let images = pixels.len() / shape.iter().product::<usize>().max(1);
    prepare_some(preprocessing, pixels, 0..images, shape, wanted)
}

/// Prepares the images `some`, by their indices, like [`prepare`].
pub fn prepare_some(
    preprocessing: &Preprocessing,
    pixels: &Pixels,
    some: Range<usize>,
    shape: [usize; 3],
    wanted: usize,
) -> Result<Vec<f32>, DataError> {
    let values = shape.iter().product::<usize>();
    let some = some.start * values..some.end * values;
    if let Pixels::Ready(values) = pixels {
        return arranged(&values[some], shape, wanted, |_| |value| value);
    }
    let (size, channels) = ([shape[0], shape[1]], shape[2]);
    let of_floats = |channel| move |pixel| preprocessing.value(pixel, channel);
    if preprocessing.resize.is_some() || preprocessing.crop.is_some() {
        let floats = match pixels {
            Pixels::Bytes(bytes) => bytes[some].iter().map(|pixel| f32::from(*pixel) / 255.0).collect(),
            Pixels::Floats(floats) | Pixels::Ready(floats) => floats[some].to_vec(),
        };
        let (floats, [h, w]) = cut(preprocessing, floats, size, channels);
        return arranged(&floats, [h, w, channels], wanted, of_floats);
    }
    match pixels {
        Pixels::Bytes(bytes) => {
            let table = |channel| (0..=255_u8).map(move |byte| preprocessing.value(f32::from(byte) / 255.0, channel));
            let tables: Vec<Vec<f32>> = (0..preprocessing.channels()).map(|channel| table(channel).collect()).collect();
            arranged(&bytes[some], shape, wanted, |channel| {
                let table = &tables[channel.min(tables.len() - 1)];
                move |byte| table[usize::from(byte)]
            })
        }
        Pixels::Floats(floats) | Pixels::Ready(floats) => arranged(&floats[some], shape, wanted, of_floats),
    }
}

/// Scales images of `size` and cuts out their middle; with the height and width that they have then.
fn cut(preprocessing: &Preprocessing, floats: Vec<f32>, size: [usize; 2], channels: usize) -> (Vec<f32>, [usize; 2]) {
    let scaled = preprocessing.resize.unwrap_or(size);
    let wanted = preprocessing.size(size);
    if scaled == size && wanted == size {
        return (floats, size);
    }
    let corner = [(scaled[0] - wanted[0]) / 2, (scaled[1] - wanted[1]) / 2];
    let rows: Vec<Between> = (0..wanted[0]).map(|y| Between::of(y + corner[0], scaled[0], size[0])).collect();
    let columns: Vec<Between> = (0..wanted[1]).map(|x| Between::of(x + corner[1], scaled[1], size[1])).collect();
    let mut images = Vec::with_capacity(floats.len() / (size[0] * size[1]).max(1) * wanted[0] * wanted[1]);
    for image in floats.chunks_exact(size[0] * size[1] * channels) {
        for row in &rows {
            for column in &columns {
                let at = |y: usize, x: usize, channel: usize| image[(y * size[1] + x) * channels + channel];
                images.extend((0..channels).map(|channel| {
                    let of_row = |y| column.mix(at(y, column.low, channel), at(y, column.high, channel));
                    row.mix(of_row(row.low), of_row(row.high))
                }));
            }
        }
    }
    (images, wanted)
}

/// Two neighbouring pixels along one side of an image, between which a pixel of the scaled image lies.
struct Between {
    low: usize,
    high: usize,
    /// Share of the pixel `high`.
    share: f32,
}

impl Between {
    /// Neighbours of pixel `at` of a side that is scaled from `size` to `scaled` pixels. Centres of pixels are mapped to centres,
    /// as PyTorch's `interpolate` does without `align_corners`.
    fn of(at: usize, scaled: usize, size: usize) -> Self {
        let place = (at as f32 + 0.5) * (size as f32 / scaled as f32) - 0.5;
        let place = place.clamp(0.0, (size - 1) as f32);
        let low = place as usize;
        Self { low, high: (low + 1).min(size - 1), share: place - low as f32 }
    }

    fn mix(&self, low: f32, high: f32) -> f32 {
        low + self.share * (high - low)
    }
}

/// Values of `pixels`, each mapped by the function `of_channel`, with the channels in front.
fn arranged<T: Copy, F: Fn(T) -> f32>(
    pixels: &[T],
    [height, width, channels]: [usize; 3],
    wanted: usize,
    of_channel: impl Fn(usize) -> F,
) -> Result<Vec<f32>, DataError> {
    if channels != wanted && channels != 1 {
        return Err(DataError::Channels { found: channels, wanted });
    }
    let mut images = Vec::with_capacity(pixels.len() / channels * wanted);
    for image in pixels.chunks_exact(height * width * channels) {
        for channel in 0..wanted {
            let value = of_channel(channel);
            let pixels = image.iter().skip(channel % channels).step_by(channels);
            images.extend(pixels.map(|pixel| value(*pixel)));
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
        let rgb = prepare(&Preprocessing::default(), &bytes(&[0, 255, 0, 255, 0, 255]), [1, 2, 3], 3).unwrap();
        assert_eq!(rgb, [-1.0, 1.0, 1.0, -1.0, -1.0, 1.0]);
    }

    #[test]
    fn a_grey_image_is_repeated_and_colour_is_not_thrown_away() {
        assert_eq!(
            prepare(&Preprocessing::default(), &bytes(&[0, 255]), [1, 2, 1], 3).unwrap(),
            [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]
        );
        assert_eq!(prepare(&Preprocessing::default(), &bytes(&[0, 255]), [1, 2, 1], 1).unwrap(), [-1.0, 1.0]);
        assert!(prepare(&Preprocessing::default(), &bytes(&[0; 3]), [1, 1, 3], 1).is_err());
    }

    /// A file of pixels divided by 255 in float32 is the file of the pixels.
    #[test]
    fn floats_from_0_to_1_are_the_images_of_the_bytes_that_they_were_divided_from() {
        let pixels: Vec<u8> = (0..=255).collect();
        let floats = Pixels::Floats(pixels.iter().map(|pixel| f32::from(*pixel) / 255.0).collect());
        let (pixels, shape) = (Pixels::Bytes(pixels), [8, 8, 1]);
        assert_eq!(
            prepare(&Preprocessing::default(), &floats, shape, 3).unwrap(),
            prepare(&Preprocessing::default(), &pixels, shape, 3).unwrap()
        );
        assert_eq!(
            prepare_some(&Preprocessing::default(), &floats, 1..3, shape, 1).unwrap(),
            prepare(&Preprocessing::default(), &pixels, shape, 1).unwrap()[64..192]
        );
    }

    #[test]
    fn each_channel_has_its_mean_and_deviation_and_a_range_of_its_own_may_stand_before_them() {
        let preprocessing = Preprocessing {
            range: [0.0, 255.0],
            mean: vec![100.0, 50.0, 0.0],
            std: vec![10.0, 5.0, 1.0],
            ..Preprocessing::default()
        };
        let of_bytes = prepare(&preprocessing, &bytes(&[110, 60, 7]), [1, 1, 3], 3).unwrap();
        assert_eq!(of_bytes, [1.0, 2.0, 7.0]);
        assert_eq!(
            prepare(&preprocessing, &Pixels::Floats(vec![0.0, 1.0, 0.0]), [1, 1, 3], 3).unwrap(),
            [-10.0, 41.0, 0.0]
        );
    }

    /// Two pixels 0 and 1 scaled to four: PyTorch's `interpolate(mode="bilinear")` gives 0, 0.25, 0.75, 1; the middle two are kept.
    #[test]
    fn images_are_scaled_between_the_centres_of_their_pixels_and_their_middle_is_kept() {
        let preprocessing = Preprocessing {
            resize: Some([1, 4]),
            crop: Some([1, 2]),
            mean: vec![0.0],
            std: vec![1.0],
            ..Preprocessing::default()
        };
        let pixels = Pixels::Floats(vec![0.0, 1.0, 1.0, 1.0]);
        assert_eq!(prepare(&preprocessing, &pixels, [1, 2, 1], 1).unwrap(), [0.25, 0.75, 1.0, 1.0]);
    }
}

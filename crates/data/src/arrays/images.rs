//! Images of an array: integers from 0 to 255, or floats of the range in the config.

use std::ops::Range;

use serde_json::{Value, json};

use super::limits::MAX_LABELS;
use crate::formats::Options;
use crate::numpy::Element;
use crate::preprocess::Pixels;

/// Largest height and width that are accepted: four times what a config can ask for.
const MAX_SIDE: u64 = 4096;

/// Axis of the channels in an array `[n, h, w, c]` or `[n, c, h, w]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channels {
    /// The last axis, in every array of the format.
    Last,
    /// The last axis, or else the second one.
    LastOrFirst,
    /// The second axis, in every array of the format.
    First,
}

/// Shape and type of an array of images.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    element: Element,
    /// Values of black and white, for floats.
    float_range: Option<[f64; 2]>,
    pub(crate) len: u64,
    /// Shape of an image, `[height, width, channels]`.
    pub(crate) shape: [usize; 3],
    /// Whether an image is stored as `[channels, height, width]`.
    channels_first: bool,
}

impl Images {
    /// Images of an array with elements of the type called `name`. The error is one sentence.
    pub(crate) fn new(
        (element, name): (Element, &str),
        found: &[u64],
        channels: Channels,
        options: &Options,
    ) -> Result<Self, String> {
        if element.is_float() && options.float_range.is_none() {
            return Err(format!(
                "pixels of type `{name}`, which may have any range; say what black and white are in the config, such as \
                 `float_range: [0, 1]` below `search_space` (`[-1, 1]` for images that a script has normalized by 0.5 and 0.5), or \
                 save integers from 0 to 255"
            ));
        }
        if element.is_bool() {
            return Err(format!(
                "pixels of type `{name}`, which are 0 and 1, and white is 255; save `images.astype(\"uint8\") * 255`"
            ));
        }
        let (len, shape, channels_first) = shape(found, channels)?;
        if len > MAX_LABELS {
            return Err(format!("shape {found:?}, at most {MAX_LABELS} images are accepted"));
        }
        let float_range = options.float_range.filter(|_| element.is_float());
        Ok(Self { element, float_range, len, shape, channels_first })
    }

    /// Size of an image in bytes, as it is stored.
    pub(crate) fn size(&self) -> u64 {
        self.shape.iter().product::<usize>() as u64 * self.element.size()
    }

    /// Adds the range of floats to `content`, the facts of a split: with another range the same files are other pixels.
    pub(crate) fn tell_range(&self, content: &mut Value) {
        if let Some(range) = self.float_range {
            content["float_range"] = json!(range);
        }
    }

    /// Checks that there are images in `range`; one sentence if not.
    pub(crate) fn within(&self, range: &Range<u64>) -> Result<(), String> {
        if range.start > range.end || range.end > self.len {
            return Err(format!("images {range:?} were asked for, there are {}", self.len));
        }
        Ok(())
    }

    /// Pixels of the images in `bytes`, which begin with image `first`. The error is one sentence.
    pub(crate) fn pixels(&self, bytes: Vec<u8>, first: u64) -> Result<Pixels, String> {
        let read = if self.element.is_byte() {
            Ok(Pixels::Bytes(bytes))
        } else if let Some(limits) = self.float_range {
            self.floats(&bytes, limits).map(Pixels::Floats)
        } else {
            self.integers(&bytes).map(Pixels::Bytes)
        };
        let pixels = read.map_err(|(at, reason)| {
            let image = first + at as u64 / self.shape.iter().product::<usize>() as u64;
            format!("image {image} has {reason}")
        })?;
        Ok(match pixels {
            _ if !self.channels_first => pixels,
            Pixels::Bytes(bytes) => Pixels::Bytes(channels_last(&bytes, self.shape)),
            Pixels::Floats(floats) => Pixels::Floats(channels_last(&floats, self.shape)),
            Pixels::Ready(values) => Pixels::Ready(channels_last(&values, self.shape)),
        })
    }

    /// Integers of any width as bytes. The error has the index of the first integer that is no byte.
    fn integers(&self, bytes: &[u8]) -> Result<Vec<u8>, (usize, String)> {
        let pixel = |(at, element): (usize, &[u8])| {
            let number = self.element.integer(element);
            number.and_then(|number| u8::try_from(number).ok()).ok_or_else(|| {
                let number = self.element.number(element);
                (at, format!("the pixel {number}, expected 0 to 255; scale the images to that, or save floats and say their range (`float_range`)"))
            })
        };
        bytes.chunks_exact(self.element.size() as usize).enumerate().map(pixel).collect()
    }

    /// Floats from `black` to `white` as floats from 0 to 1. The error has the index of the first float outside of that range.
    fn floats(&self, bytes: &[u8], [black, white]: [f64; 2]) -> Result<Vec<f32>, (usize, String)> {
        let pixel = |(at, element): (usize, &[u8])| {
            let number = self.element.number(element);
            if (black..=white).contains(&number) {
                return Ok(((number - black) / (white - black)) as f32);
            }
            Err((at, format!("the pixel {number}, expected {black} to {white} (`float_range` in the config)")))
        };
        bytes.chunks_exact(self.element.size() as usize).enumerate().map(pixel).collect()
    }
}

/// Images `[n, c, h, w]` as `[n, h, w, c]`, where `shape` is `[h, w, c]`.
pub(crate) fn channels_last<T: Copy>(images: &[T], [height, width, channels]: [usize; 3]) -> Vec<T> {
    let plane = height * width;
    let mut turned = Vec::with_capacity(images.len());
    for image in images.chunks_exact(plane * channels) {
        for pixel in 0..plane {
            turned.extend((0..channels).map(|channel| image[channel * plane + pixel]));
        }
    }
    turned
}

/// Number of images, their shape `[height, width, channels]`, and whether channels come first, in an array of the shape `found`.
fn shape(found: &[u64], channels: Channels) -> Result<(u64, [usize; 3], bool), String> {
    let (len, shape, first) = match (found, channels) {
        (&[n, c @ (1 | 3), h, w], Channels::First) => (n, [h, w, c], true),
        (_, Channels::First) => return Err(format!("shape {found:?}, expected (N,3,H,W) or (N,1,H,W)")),
        (&[n, h, w], _) => (n, [h, w, 1], false),
        (&[n, h, w, c @ (1 | 3)], _) => (n, [h, w, c], false),
        (&[n, c @ (1 | 3), h, w], Channels::LastOrFirst) => (n, [h, w, c], true),
        ([_, 1 | 3, _, _], Channels::Last) => {
            return Err(format!(
                "shape {found:?}, expected (N,H,W) or (N,H,W,3): channels come last here, so save \
                 `images.transpose(0, 2, 3, 1)`"
            ));
        }
        (_, Channels::Last) => return Err(format!("shape {found:?}, expected (N,H,W) or (N,H,W,3)")),
        (_, Channels::LastOrFirst) => {
            return Err(format!("shape {found:?}, expected (N,H,W), (N,H,W,3) or (N,3,H,W)"));
        }
    };
    if shape.iter().any(|side| !(1..=MAX_SIDE).contains(side)) {
        return Err(format!("shape {found:?}, sides from 1 to {MAX_SIDE} are accepted"));
    }
    Ok((len, shape.map(|side| side as usize), first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(shape: &[u64], channels: Channels) -> Result<Images, String> {
        let element = Element::parse("|u1").unwrap();
        Images::new((element, "uint8"), shape, channels, &Options::default())
    }

    /// Channel c of pixel p of image n has the value 100 n + 10 c + p.
    #[test]
    fn channels_that_come_first_are_moved_to_the_end_and_the_last_axis_counts_where_both_could_be_meant() {
        let first = images(&[2, 3, 1, 2], Channels::LastOrFirst).unwrap();
        assert_eq!((first.len, first.shape), (2, [1, 2, 3]));
        let stored = vec![0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121];
        let turned = Pixels::Bytes(vec![0, 10, 20, 1, 11, 21, 100, 110, 120, 101, 111, 121]);
        assert_eq!(first.pixels(stored, 0), Ok(turned));
        let both = images(&[1, 3, 2, 3], Channels::LastOrFirst).unwrap();
        assert_eq!(both.pixels((0..18).collect(), 0), Ok(Pixels::Bytes((0..18).collect())));
        for shape in [&[2, 4, 9, 9][..], &[2, 9, 9, 4], &[2, 9], &[2, 3, 9, 9, 1], &[2, 3, 0, 9], &[2, 3, 5000, 9]] {
            let error = images(shape, Channels::LastOrFirst).unwrap_err();
            assert!(error.contains(&format!("{shape:?}")), "{error}");
        }
    }
}

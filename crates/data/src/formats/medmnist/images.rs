//! Images of a split: integers from 0 to 255, or floats of the range in the config.

use std::ops::Range;
use std::path::Path;

use super::limits::MAX_LABELS;
use crate::DataError;
use crate::formats::Options;
use crate::numpy::{Element, Member};
use crate::preprocess::Pixels;

/// Largest height and width that are accepted: four times what a config can ask for.
const MAX_SIDE: u64 = 4096;

pub(super) struct Images {
    pub(super) member: Member,
    element: Element,
    /// Values of black and white, for floats.
    pub(super) float_range: Option<[f64; 2]>,
    pub(super) len: u64,
    /// `[height, width, channels]`.
    pub(super) shape: [usize; 3],
}

impl Images {
    pub(super) fn open(file: &Path, split: &str, options: Options) -> Result<Self, DataError> {
        let member = Member::open(file, &format!("{split}_images"))?;
        let element = member.element.ok_or_else(|| member.error(member.no_numbers()))?;
        if element.is_float() && options.float_range.is_none() {
            return Err(member.error(format!(
                "pixels of type `{}`, which may have any range; say what black and white are in the config, such as \
                 `float_range: [0, 1]` below `search_space`, or save integers from 0 to 255",
                member.header.descr
            )));
        }
        let (len, shape) = shape(&member.header.shape).map_err(|reason| member.error(reason))?;
        if len > MAX_LABELS {
            let shape = &member.header.shape;
            return Err(member.error(format!("shape {shape:?}, at most {MAX_LABELS} images are accepted")));
        }
        let float_range = options.float_range.filter(|_| element.is_float());
        Ok(Self { member, element, float_range, len, shape })
    }

    pub(super) fn read(&mut self, range: Range<u64>) -> Result<Pixels, DataError> {
        if range.start > range.end || range.end > self.len {
            return Err(self.member.error(format!("images {range:?} were asked for, there are {}", self.len)));
        }
        let image = self.shape.iter().product::<usize>() as u64 * self.element.size();
        let bytes = self.member.read(range.start * image, range.end * image)?;
        if self.element.is_byte() {
            return Ok(Pixels::Bytes(bytes));
        }
        let read = match self.float_range {
            Some(limits) => self.floats(&bytes, limits).map(Pixels::Floats),
            None => self.integers(&bytes).map(Pixels::Bytes),
        };
        read.map_err(|(at, reason)| {
            let image = range.start + at as u64 / self.shape.iter().product::<usize>() as u64;
            self.member.error(format!("image {image} has {reason}"))
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

/// Number of images, and their shape `[height, width, channels]`, in an array of the shape `found`.
fn shape(found: &[u64]) -> Result<(u64, [usize; 3]), String> {
    let (len, shape) = match *found {
        [n, h, w] => (n, [h, w, 1]),
        [n, h, w, c @ (1 | 3)] => (n, [h, w, c]),
        [_, 1 | 3, _, _] => {
            return Err(format!(
                "shape {found:?}, expected (N,H,W) or (N,H,W,3): channels come last here, so save \
                 `images.transpose(0, 2, 3, 1)`"
            ));
        }
        _ => return Err(format!("shape {found:?}, expected (N,H,W) or (N,H,W,3)")),
    };
    if shape.iter().any(|side| !(1..=MAX_SIDE).contains(side)) {
        return Err(format!("shape {found:?}, sides from 1 to {MAX_SIDE} are accepted"));
    }
    Ok((len, shape.map(|side| side as usize)))
}

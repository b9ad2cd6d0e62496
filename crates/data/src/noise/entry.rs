//! Entry of a kind of noise, and the images that it changes.

use rand_chacha::ChaCha8Rng;
use sweep::catalogue::Item;
use sweep::parameters::{ParameterError, Parameters};
use sweep::preprocessing::Preprocessing;

/// A kind of noise.
pub struct Entry {
    /// Name, parameters and reference.
    pub item: Item,
    /// Makes the noise from checked parameters.
    pub build: fn(&Parameters) -> Result<Box<dyn Noise>, ParameterError>,
}

/// Noise that changes one image, with random numbers that belong to that image alone.
pub trait Noise: Send {
    /// Changes `image`, whose values lie within the limits of `frame` before and after.
    fn add(&self, image: &mut [f32], frame: &Frame, random: &mut ChaCha8Rng);
}

/// Shape of preprocessed images, and the values of black and white in them.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Shape of the image, `[channels, height, width]`.
    pub shape: [usize; 3],
    /// Smallest and largest value of each channel.
    limits: Vec<[f32; 2]>,
}

impl Frame {
    /// Frame of images of `shape` that were prepared by `preprocessing`.
    pub fn new(shape: [usize; 3], preprocessing: &Preprocessing) -> Self {
        Self { shape, limits: (0..shape[0]).map(|channel| preprocessing.limits(channel)).collect() }
    }

    /// Values of one channel.
    pub fn plane(&self) -> usize {
        self.shape[1] * self.shape[2]
    }

    /// Channels of `image`, each with its limits.
    pub fn channels<'a>(&'a self, image: &'a mut [f32]) -> impl Iterator<Item = (&'a mut [f32], Limits)> {
        image.chunks_mut(self.plane().max(1)).zip(self.limits.iter().map(|[least, most]| Limits(*least, *most)))
    }
}

/// Smallest and largest value of a channel. Images of the reference scripts have -1 and 1.
#[derive(Clone, Copy, Debug)]
pub struct Limits(pub f32, pub f32);

impl Limits {
    /// `value`, brought into the limits.
    pub fn clamp(self, value: f32) -> f32 {
        value.clamp(self.0, self.1)
    }

    /// Value half-way between the limits: 0 for -1 and 1.
    pub fn middle(self) -> f32 {
        f32::midpoint(self.0, self.1)
    }

    /// Half of the distance between the limits: 1 for -1 and 1. Strengths of noise are given for this distance.
    pub fn half_width(self) -> f32 {
        (self.1 - self.0) / 2.0
    }
}

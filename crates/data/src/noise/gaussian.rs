//! Additive Gaussian noise: `clamp(x + std * n, -1, 1)`, n standard normal, one draw for each value.
//!
//! Images in other limits than -1 and 1 get noise of the same strength: `std` counts in halves of their width.

use std::borrow::Cow;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use sweep::catalogue::Item;
use sweep::parameters::{Default, Kind, Parameter};

use super::{Entry, Frame, Noise};

/// Strength of Gaussian and speckle noise.
pub(super) const STD: Parameter = Parameter {
    name: Cow::Borrowed("std"),
    summary: Cow::Borrowed("standard deviation, on images scaled to [-1, 1]"),
    kind: Kind::Number { least: 0.0, most: 10.0 },
    // That of the reference scripts.
    default: Some(Default::Number(0.15)),
};

pub(super) const ENTRY: Entry = Entry {
    item: Item {
        name: Cow::Borrowed("gaussian"),
        summary: Cow::Borrowed("clamp(x + std * n, -1, 1) with n standard normal"),
        reference: Cow::Borrowed("Hendrycks and Dietterich 2019, https://arxiv.org/abs/1903.12261"),
        parameters: Cow::Borrowed(&[STD]),
    },
    build: |parameters| Ok(Box::new(Gaussian { std: parameters.number("std")? as f32 })),
};

struct Gaussian {
    std: f32,
}

impl Noise for Gaussian {
    fn add(&self, image: &mut [f32], frame: &Frame, random: &mut ChaCha8Rng) {
        for (channel, limits) in frame.channels(image) {
            let std = self.std * limits.half_width();
            for value in channel {
                let normal: f32 = StandardNormal.sample(random);
                *value = limits.clamp(*value + std * normal);
            }
        }
    }
}

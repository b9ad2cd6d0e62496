//! Multiplicative noise: `clamp(x + x * std * n, -1, 1)`, n standard normal, one draw for each value.
//!
//! In images of other limits than -1 and 1, `x` is the distance from the middle of the limits.

use std::borrow::Cow;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use sweep::catalogue::Item;

use super::gaussian::STD;
use super::{Entry, Frame, Noise};

pub(super) const ENTRY: Entry = Entry {
    item: Item {
        name: Cow::Borrowed("speckle"),
        summary: Cow::Borrowed("clamp(x + x * std * n, -1, 1) with n standard normal"),
        reference: Cow::Borrowed("Hendrycks and Dietterich 2019, https://arxiv.org/abs/1903.12261"),
        parameters: Cow::Borrowed(&[STD]),
    },
    build: |parameters| Ok(Box::new(Speckle { std: parameters.number("std")? as f32 })),
};

struct Speckle {
    std: f32,
}

impl Noise for Speckle {
    fn add(&self, image: &mut [f32], frame: &Frame, random: &mut ChaCha8Rng) {
        for (channel, limits) in frame.channels(image) {
            for value in channel {
                let normal: f32 = StandardNormal.sample(random);
                *value = limits.clamp(*value + (*value - limits.middle()) * self.std * normal);
            }
        }
    }
}

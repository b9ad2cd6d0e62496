//! Salt and pepper: `int(amount * h * w / 2)` pixels become white, then as many black.
//!
//! Pixels are drawn with replacement, pepper falls after salt, and all channels of a pixel are set together, as in the reference
//! scripts; so a little less than `amount` of the pixels changes.

use std::borrow::Cow;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use sweep::catalogue::Item;
use sweep::parameters::{Default, Kind, Parameter};

use super::{Entry, Frame, Limits, Noise};

pub(super) const ENTRY: Entry = Entry {
    item: Item {
        name: Cow::Borrowed("salt_pepper"),
        summary: Cow::Borrowed("int(amount * h * w / 2) pixels become white, then as many black"),
        reference: Cow::Borrowed("Gonzalez and Woods, Digital Image Processing, section 5.2"),
        parameters: Cow::Borrowed(&[Parameter {
            name: Cow::Borrowed("amount"),
            summary: Cow::Borrowed("share of the pixels, with replacement"),
            kind: Kind::Number { least: 0.0, most: 1.0 },
            // That of the reference scripts.
            default: Some(Default::Number(0.05)),
        }]),
    },
    build: |parameters| Ok(Box::new(SaltPepper { amount: parameters.number("amount")? })),
};

struct SaltPepper {
    amount: f64,
}

impl Noise for SaltPepper {
    fn add(&self, image: &mut [f32], frame: &Frame, random: &mut ChaCha8Rng) {
        let [_, height, width] = frame.shape;
        let count = (self.amount * frame.plane() as f64 / 2.0) as usize;
        let colours: [fn(Limits) -> f32; 2] = [|limits| limits.1, |limits| limits.0];
        for colour in colours {
            for _ in 0..count {
                let pixel = random.random_range(0..height as u32) as usize * width
                    + random.random_range(0..width as u32) as usize;
                for (channel, limits) in frame.channels(image) {
                    channel[pixel] = colour(limits);
                }
            }
        }
    }
}

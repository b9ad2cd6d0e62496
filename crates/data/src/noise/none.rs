//! No noise.

use std::borrow::Cow;

use rand_chacha::ChaCha8Rng;
use sweep::catalogue::Item;

use super::{Entry, Frame, Noise};

pub(super) const ENTRY: Entry = Entry {
    item: Item {
        name: Cow::Borrowed("none"),
        summary: Cow::Borrowed("the image as it is"),
        reference: Cow::Borrowed("-"),
        parameters: Cow::Borrowed(&[]),
    },
    build: |_| Ok(Box::new(Clean)),
};

struct Clean;

impl Noise for Clean {
    fn add(&self, _: &mut [f32], _: &Frame, _: &mut ChaCha8Rng) {}
}

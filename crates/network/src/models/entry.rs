//! Entry of a model: its name, and the function that lists its operations.

use std::borrow::Cow;

use sweep::catalogue::Item;

use super::builder::{Builder, Value};

/// A model architecture.
pub struct Entry {
    /// Name of the model, and where the model is defined.
    pub item: Item,
    /// Tensors at least one of which is in every weights file of the model.
    pub(super) landmarks: &'static [&'static str],
    /// Lists the operations of the model and returns the logits.
    pub(super) build: fn(&mut Builder<'_>) -> Value,
}

impl Entry {
    pub(super) const fn new(
        [name, summary, reference]: [&'static str; 3],
        landmarks: &'static [&'static str],
        build: fn(&mut Builder<'_>) -> Value,
    ) -> Self {
        let item = Item {
            name: Cow::Borrowed(name),
            summary: Cow::Borrowed(summary),
            reference: Cow::Borrowed(reference),
            parameters: Cow::Borrowed(&[]),
        };
        Self { item, landmarks, build }
    }
}

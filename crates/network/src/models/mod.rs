//! The models: each a file that lists its operations by the names of its weights.

mod resnet;

use sweep::catalogue::Item;
use tch::{Device, Kind};

use crate::builder::{Builder, Value};
use crate::{Graph, NetworkError, Weights};

/// Every model.
pub const MODELS: &[&Entry] = &[&resnet::RESNET18, &resnet::RESNET34, &resnet::RESNET50];

/// A model architecture.
pub struct Entry {
    /// Its name and where it is defined.
    pub item: Item,
    /// A tensor that every weights file of it has.
    landmark: &'static str,
    /// Lists its operations and gives the logits.
    build: fn(&mut Builder<'_>) -> Value,
}

/// The model called `name` with `weights`, computing on a device in a type.
pub fn load(name: &str, weights: &Weights, placed: (Device, Kind)) -> Result<Graph, NetworkError> {
    let entry = MODELS.iter().find(|entry| entry.item.name == name).ok_or_else(|| {
        let known = MODELS.iter().map(|entry| entry.item.name.as_ref()).collect::<Vec<_>>().join(", ");
        NetworkError::UnknownModel(name.to_owned(), known)
    })?;
    let mut builder = Builder::new(weights, entry.landmark, placed)?;
    let logits = (entry.build)(&mut builder);
    builder.finish(name, logits)
}

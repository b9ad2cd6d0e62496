//! The models: each a file that lists its operations by the names of its weights.

mod builder;
mod densenet;
mod entry;
mod lenet;
mod resnet;
mod vgg;
mod vit;

use std::path::Path;

use tch::{Device, Kind};

use crate::operations::OPERATIONS;
use crate::{Graph, NetworkError, Weights, devices, programs};

pub use builder::Builder;
pub use entry::Entry;

/// Every model.
pub const MODELS: &[&Entry] = &[
    &resnet::RESNET18,
    &resnet::RESNET34,
    &resnet::RESNET50,
    &resnet::RESNET101,
    &resnet::CIFAR_RESNET18,
    &resnet::CIFAR_RESNET34,
    &resnet::CIFAR_RESNET50,
    &densenet::DENSENET121,
    &densenet::DENSENET201,
    &vgg::VGG11,
    &vgg::VGG11_BN,
    &vgg::VGG16,
    &vgg::VGG16_BN,
    &lenet::LENET,
    &vit::VIT_B_16,
    &vit::VIT_S_16,
    &vit::VIT_CIFAR,
];

/// The model called `name` with `weights`, computing on a device in a type.
pub fn load(name: &str, weights: &Weights, placed: (Device, Kind)) -> Result<Graph, NetworkError> {
    let entry = MODELS.iter().find(|entry| entry.item.name == name).ok_or_else(|| {
        let known = MODELS.iter().map(|entry| entry.item.name.as_ref()).collect::<Vec<_>>().join(", ");
        NetworkError::UnknownModel(name.to_owned(), known)
    })?;
    let mut builder = Builder::new(weights, entry.landmarks, placed)?;
    let logits = (entry.build)(&mut builder);
    builder.finish(name, logits)
}

/// The model in `file`: a program of `torch.export` (`.pt2`) as it is, whatever it is called; else the
/// architecture called `name` with the weights that the file holds.
pub fn open(name: &str, file: &Path, placed: (Device, Kind)) -> Result<Graph, NetworkError> {
    open_set(name, (file, None), placed)
}

/// Opens a model like [`open`], with the set of weights `set` of a file that has several: `state_dict_ema`.
pub fn open_set(name: &str, (file, set): (&Path, Option<&str>), placed: (Device, Kind)) -> Result<Graph, NetworkError> {
    match (file.extension().is_some_and(|extension| extension == "pt2"), set) {
        (true, None) => Ok(devices::lower(programs::open(file, placed, OPERATIONS)?)?),
        (true, Some(_)) => {
            let reason = "a program has no sets of weights; leave `weights.set` of the config out for this model";
            Err(NetworkError::Unreadable { file: file.to_owned(), reason: reason.to_owned() })
        }
        (false, set) => load(name, &Weights::open(file)?.of_set(set), placed),
    }
}

/// Names and shapes of the weights in `file`, as a digest: with the model's name they decide how its passes are computed. Nothing
/// for an exported program, which says itself what is computed.
pub fn shapes(file: &Path) -> Result<Option<String>, NetworkError> {
    if file.extension().is_some_and(|extension| extension == "pt2") {
        return Ok(None);
    }
    Ok(Some(Weights::open(file)?.shapes()))
}

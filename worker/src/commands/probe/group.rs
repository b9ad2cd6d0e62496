//! Group of a request.

use std::path::{Path, PathBuf};

use attribution::METHODS;
use data::formats::{self, Options};
use data::mean;
use network::{NetworkError, Weights, models};
use protocol::probe::{Asked, Request};
use sweep::evaluation::Evaluation;
use sweep::granted_batches::{GrantedBatch, GrantedBatches};
use sweep::group::{Group, Input, MeanImage, Noise};
use sweep::parameters::Parameters;
use sweep::problem::nearest;
use sweep::variant::{Shared, Variant};
use tch::{Device, Kind};

use super::error::ProbeError;

/// Makes the group of a request, with one shard and no store.
pub(super) fn of(request: &Request, model: &mut Model) -> Result<Group, ProbeError> {
    let Request { dataset, split, size, images: asked, .. } = request;
    let (file, format) = formats::locate(&request.data, dataset, *size).map_err(|expected| ProbeError::NoData {
        dataset: dataset.clone(),
        size: *size,
        expected,
    })?;
    let source =
        format.open(&file, split, &Options { size: *size, float_range: request.float_range, indices: None })?;
    if *asked == 0 || *asked > source.len() {
        return Err(ProbeError::Images { file, has: source.len(), asked: *asked });
    }
    let [height, width, _] = source.shape();
    let [height, width] = source.preprocessing().size([height, width]);
    model.read(&request.model, &request.weights, request.weights_set.as_deref())?;
    Ok(Group {
        dataset: dataset.clone(),
        split: split.clone(),
        model: request.model.clone(),
        input: Input {
            images_file: file,
            format: format.name.to_owned(),
            data: source.content(),
            weights: request.weights.clone(),
            weights_sha256: model.sha256.clone(),
            weights_set: request.weights_set.clone(),
            mean: request.mean.as_ref().map(|file| mean_image(file)).transpose()?,
            masks: None,
        },
        preprocessing: source.preprocessing(),
        noise: Noise { name: "clean".to_owned(), kind: "none".to_owned(), parameters: Parameters::default() },
        suffix: String::new(),
        store: PathBuf::new(),
        images: *asked,
        shape: [model.channels, height, width],
        classes: model.classes,
        shard: *asked,
        variants: request.variants.iter().map(variant).collect::<Result<_, _>>()?,
        numerics: request.numerics,
        evaluation: Evaluation::default(),
    })
}

/// Batch sizes that the request asks for.
pub(super) fn batches(request: &Request) -> GrantedBatches {
    let size = |asked: &Asked| (asked.key.clone(), GrantedBatch { images: asked.batch, grows: false });
    GrantedBatches(request.variants.iter().map(size).collect())
}

/// Facts of a group on its model.
#[derive(Default)]
pub(super) struct Model {
    read: Option<(String, PathBuf, Option<String>)>,
    sha256: String,
    channels: usize,
    classes: usize,
}

impl Model {
    /// Reads `weights`, unless the request before had the same weights.
    fn read(&mut self, model: &str, weights: &Path, set: Option<&str>) -> Result<(), NetworkError> {
        let of = Some((model.to_owned(), weights.to_owned(), set.map(str::to_owned)));
        if self.read != of {
            let graph = models::open_set(model, (weights, set), (Device::Cpu, Kind::Float))?;
            let (channels, classes) = (graph.channels() as usize, graph.classes() as usize);
            *self = Self { read: of, sha256: Weights::sha256(weights)?, channels, classes };
        }
        Ok(())
    }
}

fn mean_image(file: &Path) -> Result<MeanImage, ProbeError> {
    Ok(MeanImage { file: file.to_owned(), sha256: mean::read(file)?.sha256() })
}

/// Fills in the defaults of parameters.
fn variant(asked: &Asked) -> Result<Variant, ProbeError> {
    let Asked { key, class, parameters, semantics, batch } = asked.clone();
    let Some(entry) = METHODS.iter().find(|entry| entry.item.name == class) else {
        let hint = nearest(&class, METHODS.iter().map(|entry| entry.item.name.as_ref()));
        return Err(ProbeError::Method { class, hint });
    };
    if batch == 0 {
        return Err(ProbeError::Batch { key });
    }
    let parameters = parameters.checked(&entry.item.parameters).map_err(|mistakes| {
        let (parameter, text) = mistakes.into_iter().next().unwrap_or_default();
        ProbeError::Parameter { key: key.clone(), parameter, text }
    })?;
    Ok(Variant {
        key,
        class,
        parameters,
        semantics,
        complete: entry.is_complete(),
        shared: Shared::Nothing,
        weights: None,
    })
}

//! What the scheduler asks before a sweep: what this build knows, and whether weights fit.

use std::collections::BTreeMap;
use std::io::Read;

use attribution::METHODS;
use network::Weights;
use network::models::{self, MODELS};
use network::operations::{self, OPERATIONS};
use sweep::catalogue::{Catalogue, Checkpoint, Method, Operation, Question};
use tch::{Device, Kind};

use crate::exit::Exit;
use crate::trial::{self, TrialError};

/// The release that tch 0.24 is built for, and that `make setup` installs.
const LIBTORCH: &str = "2.11.0";

pub(crate) fn catalogue() -> Catalogue {
    Catalogue {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        libtorch: LIBTORCH.to_owned(),
        methods: METHODS.iter().map(|entry| Method { item: entry.item.clone(), complete: entry.complete }).collect(),
        models: MODELS.iter().map(|entry| entry.item.clone()).collect(),
        operations: OPERATIONS.iter().map(|entry| operation(entry)).collect(),
    }
}

fn operation(entry: &operations::Entry) -> Operation {
    Operation {
        name: entry.name.into(),
        summary: entry.summary.into(),
        aten: entry.aten.iter().map(|name| (*name).into()).collect(),
        deep_lift: entry.deep_lift.into(),
    }
}

/// The answer to each question on standard input, in their order.
pub(crate) fn answer() -> Result<Vec<Result<Checkpoint, String>>, Exit> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| Exit::internal(error.to_string()))?;
    let questions: Vec<Question> =
        serde_json::from_str(&text).map_err(|error| Exit::internal(format!("standard input: {error}")))?;
    Ok(questions.iter().map(|question| inspect(question).map_err(|error| error.to_string())).collect())
}

fn inspect(question: &Question) -> Result<Checkpoint, TrialError> {
    let graph = models::open(&question.model, &question.weights, (Device::Cpu, Kind::Float))?;
    let size = graph.size().map(|size| size.map(|side| side as usize));
    // Of a model that takes no images of this size, that alone is to be told.
    let takes = size.is_none_or(|size| size == [question.size; 2]);
    let misfits = if takes { trial::misfits(&graph, question)? } else { BTreeMap::new() };
    Ok(Checkpoint {
        channels: graph.channels() as usize,
        classes: graph.classes() as usize,
        size,
        sha256: Weights::sha256(&question.weights)?,
        misfits,
    })
}

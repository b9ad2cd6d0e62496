//! What the scheduler asks before a sweep: what this build knows, and whether weights fit.

use std::io::Read;

use attribution::METHODS;
use machine::memory;
use network::models::{self, MODELS};
use network::operations::{self, OPERATIONS};
use network::{Graph, Weights};
use sweep::catalogue::{Catalogue, Checkpoint, Method, Operation, Question};
use tch::{Device, Kind};

use crate::caught::caught;
use crate::exit::Exit;
use crate::trial::{self, Trial, TrialError};
use crate::{allocator, counted};

/// The release that tch 0.24 is built for, and that `make setup` installs.
const LIBTORCH: &str = "2.11.0";

pub(crate) fn catalogue() -> Catalogue {
    Catalogue {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        libtorch: LIBTORCH.to_owned(),
        methods: METHODS.iter().map(|entry| method(entry)).collect(),
        models: MODELS.iter().map(|entry| entry.item.clone()).collect(),
        operations: OPERATIONS.iter().map(|entry| operation(entry)).collect(),
    }
}

fn method(entry: &attribution::Entry) -> Method {
    Method { item: entry.item.clone(), complete: entry.complete, sharing: entry.sharing() }
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
    // Whatever a program asks for, it is refused before the machine has none left.
    allocator::count();
    counted::limit(most_memory(&questions));
    Ok(questions.iter().map(survived).collect())
}

/// The answer to one question, whatever reading that file does to this program.
fn survived(question: &Question) -> Result<Checkpoint, String> {
    let answer = caught(|| inspect(question).map_err(|error| error.to_string()));
    answer.unwrap_or_else(|reason| Err(format!("`{}` cannot be read: {reason}", question.weights.display())))
}

/// What a trial of the largest of the models may take: its weights several times over, and values of a few images.
fn most_memory(questions: &[Question]) -> u64 {
    const OF_VALUES: u64 = 8 << 30;
    const COPIES: u64 = 8;
    let sizes = questions.iter().map(|question| std::fs::metadata(&question.weights).map_or(0, |file| file.len()));
    let wanted = OF_VALUES.saturating_add(COPIES.saturating_mul(sizes.max().unwrap_or(0)));
    wanted.min(memory::free().map_or(u64::MAX, |free| free / 10 * 9))
}

/// What a model with a single logit is taken for.
fn of_one_logit(graph: &Graph) -> Option<String> {
    let told = "it gives one logit: where that is above 0 class 1 is predicted and the logit is explained, elsewhere class 0 \
                and the logit with the other sign";
    (graph.classes() == 1).then(|| told.to_owned())
}

fn inspect(question: &Question) -> Result<Checkpoint, TrialError> {
    let graph = models::open_set(
        &question.model,
        (&question.weights, question.weights_set.as_deref()),
        (Device::Cpu, Kind::Float),
    )?;
    let size = graph.size().map(|size| size.map(|side| side as usize));
    // Of a model that takes no images of this size, that alone is to be told.
    let takes = size.is_none_or(|size| size == [question.size; 2]);
    let Trial { misfits, layers } = if takes { trial::of(&graph, question)? } else { Trial::default() };
    Ok(Checkpoint {
        channels: graph.channels() as usize,
        classes: graph.classes() as usize,
        size,
        sha256: Weights::sha256(&question.weights)?,
        notes: graph.notes().iter().cloned().chain(of_one_logit(&graph)).collect(),
        misfits,
        layers,
    })
}

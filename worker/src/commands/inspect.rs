//! `worker inspect`: whether weights files fit their models, before a sweep.

use std::io::Read;

use machine::memory;
use network::models;
use network::{Graph, Weights};
use protocol::inspect::{Checkpoint, Question};
use tch::{Device, Kind};

use super::dry_run::{self, DryRun, DryRunError};
use crate::device::allocator;
use crate::device::host_memory;
use crate::exit::Exit;
use crate::libtorch::panics::caught;

/// Answers the questions on standard input, in their order.
pub(super) fn answer() -> Result<Vec<Result<Checkpoint, String>>, Exit> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| Exit::internal(error.to_string()))?;
    let questions: Vec<Question> =
        serde_json::from_str(&text).map_err(|error| Exit::internal(format!("standard input: {error}")))?;
    // Whatever a program asks for, it is refused before the machine has none left.
    allocator::count();
    host_memory::limit(most_memory(&questions));
    Ok(questions.iter().map(survived).collect())
}

/// Answers one question, also where reading the file panics.
fn survived(question: &Question) -> Result<Checkpoint, String> {
    let answer = caught(|| inspect(question).map_err(|error| error.to_string()));
    answer.unwrap_or_else(|reason| Err(format!("`{}` cannot be read: {reason}", question.weights.display())))
}

/// Most bytes that a trial of the largest of the models may take: its weights several times over, and values of a few images.
fn most_memory(questions: &[Question]) -> u64 {
    const OF_VALUES: u64 = 8 << 30;
    const COPIES: u64 = 8;
    let sizes = questions.iter().map(|question| std::fs::metadata(&question.weights).map_or(0, |file| file.len()));
    let wanted = OF_VALUES.saturating_add(COPIES.saturating_mul(sizes.max().unwrap_or(0)));
    wanted.min(memory::free().map_or(u64::MAX, |free| free / 10 * 9))
}

/// Explanation of how a model with a single logit is understood; `None` for other models.
fn of_one_logit(graph: &Graph) -> Option<String> {
    let told = "it gives one logit: where that is above 0 class 1 is predicted and the logit is explained, elsewhere class 0 \
                and the logit with the other sign";
    (graph.classes() == 1).then(|| told.to_owned())
}

fn inspect(question: &Question) -> Result<Checkpoint, DryRunError> {
    let graph = models::open_set(
        &question.model,
        (&question.weights, question.weights_set.as_deref()),
        (Device::Cpu, Kind::Float),
    )?;
    let size = graph.size().map(|size| size.map(|side| side as usize));
    // Of a model that takes no images of this size, that alone is to be told.
    let takes = size.is_none_or(|size| size == [question.size; 2]);
    let DryRun { misfits, layers } = if takes { dry_run::of(&graph, question)? } else { DryRun::default() };
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

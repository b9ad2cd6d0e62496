//! Weights of a config: where they lie, and whether they fit their models.

pub(super) mod expect;
mod files;
pub(super) mod normalize;
mod own;

use std::collections::BTreeMap;
use std::path::PathBuf;

use fleet::{FleetError, Worker};
use protocol::inspect::{Checkpoint, Question};
use sweep::catalogue::{self, Catalogue};
use sweep::config::Config;
use sweep::problem::{Problems, nearest};
use sweep::variant::{OwnWeights, Variant};

use crate::check::methods;
pub use files::find;
use files::{Absent, PROGRAM, locate};
pub use own::of_variant;

/// Weights by dataset flag and model.
pub(crate) type Models = BTreeMap<(String, String), Model>;

/// Weights of a model for a dataset.
#[derive(Debug)]
pub(crate) struct Model {
    /// File of the weights; where variants have weights for themselves, that of the first of them.
    pub(crate) weights: PathBuf,
    /// Content of the file.
    pub(crate) checkpoint: Checkpoint,
    /// Weights that variants have for themselves, by key.
    pub(crate) own: BTreeMap<String, OwnWeights>,
}

/// Question about a file of weights, for a dataset and a model.
struct Asked {
    names: (String, String),
    question: Question,
    line: u64,
    /// Whether the file is for the variants of the question alone.
    own: bool,
}

/// Reads the weights of every dataset and model; a worker reads each file once, and tries `variants` on the file.
pub(crate) fn read(
    config: &Config,
    catalogue: &Catalogue,
    flags: &[(String, u64)],
    (worker, variants): (&Worker, &[Variant]),
    problems: &mut Problems,
) -> Result<Models, FleetError> {
    let asked = questions(config, catalogue, flags, variants, problems);
    if asked.is_empty() {
        return Ok(Models::new());
    }
    let questions: Vec<Question> = asked.iter().map(|asked| asked.question.clone()).collect();
    let mut models = Models::new();
    for (asked, answer) in asked.into_iter().zip(worker.inspect(&questions)?) {
        let line = asked.line;
        let added = answer.and_then(|checkpoint| {
            methods::tell(&checkpoint.misfits, config, problems);
            add(&mut models, asked, checkpoint)
        });
        if let Err(text) = added {
            problems.add(line, config.search_space.path("model_flags"), text);
        }
    }
    Ok(models)
}

/// Adds weights to those of their model. The error is one sentence.
fn add(models: &mut Models, asked: Asked, checkpoint: Checkpoint) -> Result<(), String> {
    let Asked { names, question: Question { weights, variants, .. }, own, .. } = asked;
    let sha256 = checkpoint.sha256.clone();
    let model = models.entry(names).or_insert_with(|| Model {
        weights: weights.clone(),
        checkpoint: Checkpoint { layers: BTreeMap::new(), notes: Vec::new(), ..checkpoint.clone() },
        own: BTreeMap::new(),
    });
    let sizes = |of: &Checkpoint| (of.channels, of.classes, of.size);
    if sizes(&model.checkpoint) != sizes(&checkpoint) {
        let told = |of: &Checkpoint| format!("{} channels and {} classes", of.channels, of.classes);
        return Err(format!(
            "`{}` has {}, and `{}` has {}: both explain the same predictions",
            weights.display(),
            told(&checkpoint),
            model.weights.display(),
            told(&model.checkpoint)
        ));
    }
    let notes = checkpoint.notes.into_iter().map(|note| format!("`{}`: {note}", weights.display()));
    model.checkpoint.notes.extend(notes);
    model.checkpoint.layers.extend(checkpoint.layers);
    if own {
        let of_variant = |variant: Variant| (variant.key, OwnWeights { file: weights.clone(), sha256: sha256.clone() });
        model.own.extend(variants.into_iter().map(of_variant));
    }
    Ok(())
}

/// Notes for a person on how each file was read.
pub(crate) fn notes(models: &Models) -> impl Iterator<Item = String> + '_ {
    models.values().flat_map(|model| model.checkpoint.notes.iter().cloned())
}

/// Questions about each dataset and model whose weights exist.
fn questions(
    config: &Config,
    catalogue: &Catalogue,
    flags: &[(String, u64)],
    variants: &[Variant],
    problems: &mut Problems,
) -> Vec<Asked> {
    let size = config.search_space.image_size;
    let mut asked = Vec::new();
    let root = &config.paths.weights_root;
    // One mistake instead of one for each model and dataset; that no root is named at all has been told.
    let there = root.is_dir();
    if !there && !root.as_os_str().is_empty() {
        let text = format!("no folder `{}`, expected that of the weights", root.display());
        problems.add(0, config.paths.weights_key, text);
    }
    for (model, line) in &config.search_space.model_flags {
        let known = catalogue::find(&catalogue.models, model).is_some();
        for (flag, _) in flags {
            for (of, number) in own::parts(config, variants) {
                let found = match number {
                    Some(number) => own::find(config, flag, model, number).map_err(Absent::Expected),
                    None => locate(config, flag, model, known),
                };
                match found {
                    Ok(weights) => {
                        let (names, variants) = ((flag.clone(), model.clone()), of);
                        let weights_set = config.settings.weights.of(model).map(str::to_owned);
                        let question = Question { model: model.clone(), weights, weights_set, size, variants };
                        asked.push(Asked { names, question, line: *line, own: number.is_some() });
                    }
                    Err(Absent::Expected(_)) if known && !there => {}
                    Err(reason) => {
                        let text = absent(catalogue, (model, flag), &reason);
                        problems.add(*line, config.search_space.path("model_flags"), text);
                    }
                }
            }
        }
    }
    asked.sort_by(|a, b| a.names.cmp(&b.names));
    asked
}

/// Explains why there is nothing to ask about `model`.
fn absent(catalogue: &Catalogue, (model, flag): (&str, &str), absent: &Absent) -> String {
    let known = catalogue::find(&catalogue.models, model).is_some();
    match absent {
        Absent::Expected(expected) if !known => {
            let hint = nearest(model, catalogue.models.iter().map(|item| item.name.as_ref()));
            let program = expected.with_extension(PROGRAM);
            format!(
                "unknown model `{model}`, {hint} (a program of torch.export may have any name: `{}`)",
                program.display()
            )
        }
        Absent::Expected(expected) => format!("no weights of {model} for `{flag}`: expected `{}`", expected.display()),
        Absent::Several(_) | Absent::Sharded(_) => format!("{absent}: weights of {model} for `{flag}`"),
    }
}

//! Weights of a config: where they lie, and whether they fit their models.

mod files;

use std::collections::BTreeMap;
use std::path::PathBuf;

use fleet::{FleetError, Worker};
use protocol::inspect::{Checkpoint, Question};
use sweep::catalogue::{self, Catalogue};
use sweep::config::Config;
use sweep::problem::{Problems, nearest};
use sweep::variant::Variant;

use super::methods;
pub use files::find;
use files::{Absent, PROGRAM, locate};

/// Weights by dataset flag and model.
pub(crate) type Models = BTreeMap<(String, String), (PathBuf, Checkpoint)>;

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
    let questions: Vec<Question> = asked.values().map(|(question, _)| question.clone()).collect();
    let mut models = Models::new();
    for ((names, (question, line)), answer) in asked.into_iter().zip(worker.inspect(&questions)?) {
        match answer {
            Ok(checkpoint) => {
                methods::tell(&checkpoint.misfits, config, problems);
                models.insert(names, (question.weights, checkpoint));
            }
            Err(text) => problems.add(line, config.search_space.path("model_flags"), text),
        }
    }
    Ok(models)
}

/// Notes for a person on how each file was read.
pub(crate) fn notes(models: &Models) -> impl Iterator<Item = String> + '_ {
    models
        .values()
        .flat_map(|(file, checkpoint)| checkpoint.notes.iter().map(|note| format!("`{}`: {note}", file.display())))
}

/// Questions about each dataset and model whose weights exist, with the line of the model.
fn questions(
    config: &Config,
    catalogue: &Catalogue,
    flags: &[(String, u64)],
    variants: &[Variant],
    problems: &mut Problems,
) -> BTreeMap<(String, String), (Question, u64)> {
    let size = config.search_space.image_size;
    let mut asked = BTreeMap::new();
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
            match locate(config, flag, model, known) {
                Ok(weights) => {
                    let (model, variants) = (model.clone(), variants.to_vec());
                    let weights_set = config.settings.weights.of(&model).map(str::to_owned);
                    let question = Question { model, weights, weights_set, size, variants };
                    asked.insert((flag.clone(), question.model.clone()), (question, *line));
                }
                Err(Absent::Expected(_)) if known && !there => {}
                Err(reason) => {
                    let text = absent(catalogue, (model, flag), &reason);
                    problems.add(*line, config.search_space.path("model_flags"), text);
                }
            }
        }
    }
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
        Absent::Several(_) => format!("{absent}: weights of {model} for `{flag}`"),
    }
}

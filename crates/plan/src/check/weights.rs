//! Weights of a config: where they lie, and whether they fit their models.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fleet::{FleetError, Worker};
use protocol::inspect::{Checkpoint, Question};
use sweep::catalogue::{self, Catalogue};
use sweep::config::Config;
use sweep::problem::{Problems, nearest};
use sweep::variant::Variant;

use super::methods;

/// Weights by dataset flag and model.
pub(crate) type Models = BTreeMap<(String, String), (PathBuf, Checkpoint)>;

/// Extensions of weights files, in the order in which they are looked for.
const EXTENSIONS: [&str; 4] = ["pth", "pt", "safetensors", PROGRAM];

/// Extension of exported programs: they bring their architecture, so that their names are free.
const PROGRAM: &str = "pt2";

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
            Err(text) => problems.add(line, "search_space.model_flags", text),
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
                Err(_) if known && !there => {}
                Err(expected) => {
                    let text = absent(catalogue, (model, flag), &expected);
                    problems.add(*line, "search_space.model_flags", text);
                }
            }
        }
    }
    asked
}

/// Explains why there is nothing to ask about `model`, for which a file was `expected`.
fn absent(catalogue: &Catalogue, (model, flag): (&str, &str), expected: &Path) -> String {
    if catalogue::find(&catalogue.models, model).is_some() {
        return format!("no weights of {model} for `{flag}`: expected `{}`", expected.display());
    }
    let hint = nearest(model, catalogue.models.iter().map(|item| item.name.as_ref()));
    let program = expected.with_extension(PROGRAM);
    format!("unknown model `{model}`, {hint} (a program of torch.export may have any name: `{}`)", program.display())
}

/// Finds the weights of `model` for dataset `flag`, whatever their format; the error is the path where they were expected.
pub fn find(config: &Config, flag: &str, model: &str) -> Result<PathBuf, PathBuf> {
    locate(config, flag, model, true)
}

/// Finds `weights_<flag>/<model>_<size>_1.pth`; the error is the path where the file was expected. For a model that is not
/// `known` only an exported program will do.
fn locate(config: &Config, flag: &str, model: &str, known: bool) -> Result<PathBuf, PathBuf> {
    let size = config.search_space.image_size;
    let folder = config.paths.weights_root.join(format!("weights_{flag}"));
    let candidates = EXTENSIONS.map(|extension| (extension, folder.join(format!("{model}_{size}_1.{extension}"))));
    let fitting = candidates.iter().filter(|(extension, _)| known || *extension == PROGRAM);
    let found = fitting.map(|(_, file)| file).find(|file| file.is_file());
    found.cloned().ok_or_else(|| candidates[0].1.clone())
}

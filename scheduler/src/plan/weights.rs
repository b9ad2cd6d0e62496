//! Weights of a config: where they lie, and whether they fit their models.

use std::collections::BTreeMap;
use std::path::PathBuf;

use fleet::{FleetError, Worker};
use sweep::catalogue::{self, Catalogue, Checkpoint, Question};
use sweep::config::Config;
use sweep::problem::{Problems, nearest};

/// Weights by dataset flag and model.
pub(super) type Models = BTreeMap<(String, String), (PathBuf, Checkpoint)>;

/// Extensions of weights files, in the order in which they are looked for.
const EXTENSIONS: [&str; 4] = ["pth", "pt", "safetensors", PROGRAM];

/// Extension of exported programs: they bring their architecture, so that their names are free.
const PROGRAM: &str = "pt2";

/// The weights of every dataset and model; a worker reads each file once.
pub(super) fn read(
    config: &Config,
    catalogue: &Catalogue,
    flags: &[(String, u64)],
    worker: &Worker,
    problems: &mut Problems,
) -> Result<Models, FleetError> {
    let mut asked: BTreeMap<(String, String), (Question, u64)> = BTreeMap::new();
    for (model, line) in &config.search_space.model_flags {
        let known = catalogue::find(&catalogue.models, model).is_some();
        for (flag, _) in flags {
            match locate(config, flag, model, known) {
                Ok(weights) => {
                    let question = Question { model: model.clone(), weights };
                    asked.insert((flag.clone(), model.clone()), (question, *line));
                }
                Err(expected) if !known => {
                    let hint = nearest(model, catalogue.models.iter().map(|item| item.name.as_ref()));
                    let program = expected.with_extension(PROGRAM);
                    let text = format!(
                        "unknown model `{model}`, {hint} (a program of torch.export may have any name: `{}`)",
                        program.display()
                    );
                    problems.add(*line, "search_space.model_flags", text);
                }
                Err(expected) => {
                    let text = format!("no weights of {model} for `{flag}`: expected `{}`", expected.display());
                    problems.add(*line, "search_space.model_flags", text);
                }
            }
        }
    }
    if asked.is_empty() {
        return Ok(Models::new());
    }
    let questions: Vec<Question> = asked.values().map(|(question, _)| question.clone()).collect();
    let mut models = Models::new();
    for ((names, (question, line)), answer) in asked.into_iter().zip(worker.inspect(&questions)?) {
        match answer {
            Ok(checkpoint) => drop(models.insert(names, (question.weights, checkpoint))),
            Err(text) => problems.add(line, "search_space.model_flags", text),
        }
    }
    Ok(models)
}

/// `weights_<flag>/<model>_<size>_1.pth`, or the path where it was expected. Of a model that is not `known`
/// only a program will do.
fn locate(config: &Config, flag: &str, model: &str, known: bool) -> Result<PathBuf, PathBuf> {
    let size = config.search_space.image_size;
    let folder = config.paths.weights_root.join(format!("weights_{flag}"));
    let candidates = EXTENSIONS.map(|extension| (extension, folder.join(format!("{model}_{size}_1.{extension}"))));
    let fitting = candidates.iter().filter(|(extension, _)| known || *extension == PROGRAM);
    let found = fitting.map(|(_, file)| file).find(|file| file.is_file());
    found.cloned().ok_or_else(|| candidates[0].1.clone())
}

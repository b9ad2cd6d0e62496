//! Weights in folders: known by their names, and else by their tensors.

use std::path::{Path, PathBuf};

use fleet::{FleetError, Worker};
use protocol::inspect::{Checkpoint, Question};

use super::names;

/// Extensions of files of weights.
const EXTENSIONS: [&str; 4] = ["pth", "pt", "safetensors", "pt2"];

/// Extension of exported programs, which bring their architecture along.
const PROGRAM: &str = "pt2";

/// Beginning of the name of the folder with the weights for one dataset.
const OF_FLAG: &str = "weights_";

/// Size in pixels with which a model is tried whose weights fit images of any size.
const ANY: usize = 224;

/// A file of weights.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weights {
    /// The file.
    pub(super) file: PathBuf,
    /// Dataset whose folder the file lies in, and the folder above, which a config calls `weights_root`.
    pub(super) of: Option<(PathBuf, String)>,
    /// Model, and the size in pixels, that the name of the file says.
    pub(super) named: Option<(String, usize)>,
    /// Models that the tensors fit, each with its number of classes; empty for a file whose name says enough.
    pub(super) fitting: Vec<(String, usize)>,
}

/// Finds the weights in `folders`; a `worker` says which models fit a file whose name says nothing.
pub(super) fn find(folders: &[PathBuf], worker: &Worker) -> Result<Vec<Weights>, FleetError> {
    let mut found: Vec<Weights> = folders.iter().flat_map(|folder| in_folder(folder)).collect();
    if found.iter().all(|weights| weights.named.is_some()) {
        return Ok(found);
    }
    let models: Vec<String> = worker.catalogue()?.models.into_iter().map(|model| model.name.into_owned()).collect();
    for weights in found.iter_mut().filter(|weights| weights.named.is_none()) {
        let of_model = |model: &String| Question {
            model: model.clone(),
            weights: weights.file.clone(),
            weights_set: None,
            size: ANY,
            variants: Vec::new(),
        };
        let questions: Vec<Question> = models.iter().map(of_model).collect();
        let answers = models.iter().zip(worker.inspect(&questions)?);
        weights.fitting = answers.filter_map(|(model, answer)| fits(model, answer)).collect();
    }
    Ok(found)
}

fn fits(model: &str, answer: Result<Checkpoint, String>) -> Option<(String, usize)> {
    answer.ok().map(|checkpoint| (model.to_owned(), checkpoint.classes))
}

fn in_folder(folder: &Path) -> Vec<Weights> {
    let flag = folder.file_name().and_then(|name| name.to_str()?.strip_prefix(OF_FLAG)).map(str::to_owned);
    let of = flag.and_then(|flag| Some((folder.parent()?.to_owned(), flag)));
    let is_weights = |name: &String| name.rsplit_once('.').is_some_and(|(_, end)| EXTENSIONS.contains(&end));
    let weights = |name: String| {
        let named = named(&name).filter(|_| of.is_some());
        Weights { file: folder.join(&name), of: of.clone(), named, fitting: Vec::new() }
    };
    // Mean images are tensors, too, and exported programs fit no model of the list.
    let of_use = |weights: &Weights| weights.named.is_some() || !is_other(&weights.file);
    names(folder).into_iter().filter(is_weights).map(weights).filter(of_use).collect()
}

fn is_other(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.ends_with("_mean.pt") || file.extension().is_some_and(|end| end == PROGRAM)
}

/// Model and size in a name such as `resnet18_28_1.pth`.
fn named(name: &str) -> Option<(String, usize)> {
    let (stem, _) = name.rsplit_once('.')?;
    let (model, size) = stem.strip_suffix("_1")?.rsplit_once('_')?;
    Some((model.to_owned(), size.parse().ok()?))
}

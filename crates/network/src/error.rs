//! Why a model cannot be made or run.

use std::fmt;
use std::path::{Path, PathBuf};

use tch::TchError;

use crate::tensors::errors::first_line;

use crate::programs::ExportError;

/// Why a model cannot be made or run.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants are")]
pub enum NetworkError {
    #[error("model `{0}` is not known; known: {1}")]
    UnknownModel(String, String),
    #[error("cannot read weights `{}`: {reason}", file.display())]
    Unreadable { file: PathBuf, reason: String },
    #[error("weights `{}` are not those of {model}{mistakes}{}", file.display(), way_out(file, model, mistakes))]
    Unfitting { file: PathBuf, model: String, mistakes: Box<Mistakes> },
    /// Number of classes beyond the limit: a file can claim any number of rows of zero bytes.
    #[error("weights `{}` have {found} classes, expected 1 to {most}", file.display())]
    Classes { file: PathBuf, found: i64, most: i64 },
    #[error("cannot load the exported program `{}`: {reason}", file.display())]
    Program { file: PathBuf, reason: Box<ExportError> },
    /// libtorch failed. Whether trying again helps is in its words only.
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] TchError),
}

/// Differences between the tensors of a file and those of an architecture.
#[derive(Debug, Default)]
pub struct Mistakes {
    /// Tensors that the architecture has and the file has not.
    pub missing: Vec<String>,
    /// Tensors that the file has and the architecture has not.
    pub extra: Vec<String>,
    /// Tensors of another shape: name, what was found, what was expected.
    pub misshapen: Vec<String>,
    /// Tensors of whole numbers: quantised weights, of which nobody knows the scales.
    pub quantised: Vec<String>,
    /// Tensors that hold NaN or infinity.
    pub not_finite: Vec<String>,
}

/// Most names in a message about each kind of mistake; a wrong architecture has hundreds.
const TOLD: usize = 5;

impl Mistakes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        let Self { missing, extra, misshapen, quantised, not_finite } = self;
        [missing, extra, misshapen, quantised, not_finite].iter().all(|list| list.is_empty())
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("missing", &self.missing),
            ("unexpected", &self.extra),
            ("of another shape", &self.misshapen),
            ("of whole numbers (quantised; save the weights as they were before that)", &self.quantised),
            ("with NaN or infinity", &self.not_finite),
        ];
        for (what, list) in kinds.iter().filter(|(_, list)| !list.is_empty()) {
            let told = list.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
            write!(f, "; {} tensors {what}: {told}", list.len())?;
            if list.len() > TOLD {
                f.write_str(", ...")?;
            }
        }
        Ok(())
    }
}

/// Advice on a model of another architecture: its weights alone do not say what the model computes.
fn way_out(file: &Path, model: &str, mistakes: &Mistakes) -> String {
    let Mistakes { missing, extra, misshapen, .. } = mistakes;
    if [missing, extra, misshapen].iter().all(|list| list.is_empty()) {
        return String::new();
    }
    let stem = file.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    format!(
        "; if it is a model of your own, export it: `torch.export.save(torch.export.export(model.eval(), (images,), \
         dynamic_shapes=({{0: torch.export.Dim.DYNAMIC}},)), \"my_{stem}.pt2\")`, and write `my_{model}` in \
         `model_flags` (README.md, \"Your own architecture\")"
    )
}

//! Why a program of `torch.export` cannot be taken.

use tch::TchError;

use crate::error::first_line;

/// How a program is exported so that it runs for any number of images.
const DYNAMIC: &str = "export it with a dynamic batch, \
     torch.export.export(model, (images,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)), \
     and with two images at least";

/// Why a program of `torch.export` cannot be taken.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants are")]
pub enum ExportError {
    #[error("cannot read it: {0}")]
    Read(#[from] std::io::Error),
    #[error("not an archive of torch.export.save: {0}")]
    Zip(#[from] zip::result::ZipError),
    #[error("not an archive of torch.export.save: it has no `{0}`")]
    NoEntry(&'static str),
    #[error("`{0}` is not as torch.export.save writes it: {1}")]
    Json(String, serde_json::Error),
    #[error("`{0}` is compressed or larger than its archive, which torch.export.save never writes")]
    Entry(String),
    #[error("its schema is version {0}, and version 8 is understood: export it again with torch 2.11")]
    Version(i64),
    #[error("the tensor `{name}` {reason}")]
    Tensor { name: String, reason: String },
    #[error(
        "the operator {operator} (node `{node}`, {module}) is not among the operations that a graph knows; \
         they are listed in docs/catalogue.md (\"Operations\")"
    )]
    Unsupported { operator: String, node: String, module: String },
    #[error("the argument `{argument}` of {operator} (node `{node}`, {module}): {reason}")]
    Argument { operator: String, node: String, module: String, argument: String, reason: String },
    #[error("node `{node}` ({module}) changes `{value}` in place, and `{reader}` reads it afterwards")]
    Mutated { node: String, module: String, value: String, reader: String },
    #[error("node `{node}` ({module}) does not have the images in front: {DYNAMIC}")]
    FixedBatch { node: String, module: String },
    #[error("{found}; expected {expected}")]
    Interface { found: String, expected: &'static str },
    #[error("the logits of an image change with the images beside it: {DYNAMIC}")]
    Mixed,
    #[error("it does not run on a few images: {}; {DYNAMIC}", first_line(.0))]
    Fails(TchError),
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] TchError),
}

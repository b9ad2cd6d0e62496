//! Why a program of `torch.export` cannot be taken.

use std::collections::BTreeMap;

use tch::TchError;

use crate::tensors::errors::first_line;

/// Advice how to export a program that runs for any number of images.
pub(super) const DYNAMIC: &str = "export it with a dynamic batch, \
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
    #[error("{}", told(.0))]
    Several(Vec<ExportError>),
    #[error("the argument `{argument}` of {operator} (node `{node}`, {module}): {reason}")]
    Argument { operator: String, node: String, module: String, argument: String, reason: String },
    #[error("node `{node}` ({module}) changes `{value}` in place, and `{reader}` reads it afterwards")]
    Mutated { node: String, module: String, value: String, reader: String },
    #[error(
        "node `{node}` ({module}) changes the buffer `{buffer}` each time that the model runs, and the logits depend on it: those \
         of an image would depend on how many came before; keep it as it is in evaluation"
    )]
    Stateful { node: String, module: String, buffer: String },
    #[error("node `{node}` ({module}) does not have the images in front: {DYNAMIC}")]
    FixedBatch { node: String, module: String },
    #[error("{found}; expected {expected}")]
    Interface { found: String, expected: &'static str },
    #[error("the logits of an image change with the images beside it: {DYNAMIC}")]
    Mixed,
    #[error(
        "the logits have no gradient at the images: the model computes them under `torch.no_grad` or behind `.detach()`, \
         and no map can be made of that; take these out of its `forward` and export it again"
    )]
    Detached,
    #[error("it does not run on a few images: {}; {DYNAMIC}", first_line(.0))]
    Fails(TchError),
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] TchError),
}

/// Most operators and other faults that one error names.
const MOST_NAMED: usize = 40;

/// Several faults as one: the operators that nobody knows in one sentence, each once, then the others.
fn told(faults: &[ExportError]) -> String {
    let unknown = unknown(faults);
    let more = unknown.len().saturating_sub(MOST_NAMED);
    let mut named: Vec<String> = unknown.iter().take(MOST_NAMED).map(Unknown::said).collect();
    named.extend((more > 0).then(|| format!("and {more} more")));
    let others = faults.iter().filter(|fault| !matches!(fault, ExportError::Unsupported { .. }));
    let mut sentences: Vec<String> = others.take(MOST_NAMED).map(ToString::to_string).collect();
    if !named.is_empty() {
        let list = "they are listed in docs/catalogue.md (\"Operations\")";
        let few = if unknown.len() == 1 { "the operator" } else { "the operators" };
        let are = if unknown.len() == 1 { "is" } else { "are" };
        let known = format!("{are} not among the operations that a graph knows; {list}");
        sentences.insert(0, format!("{few} {} {known}", named.join(", ")));
    }
    sentences.join("; ")
}

/// An operator that no operation does, and where.
struct Unknown<'a> {
    operator: &'a str,
    calls: usize,
    /// Node and module of the first call.
    first: (&'a str, &'a str),
}

impl Unknown<'_> {
    fn said(&self) -> String {
        let Self { operator, calls, first: (node, module) } = self;
        match calls {
            1 => format!("{operator} (node `{node}`, {module})"),
            _ => format!("{operator} ({calls} calls, the first is node `{node}`, {module})"),
        }
    }
}

/// The operators that nobody knows, in the order of their first calls.
fn unknown(faults: &[ExportError]) -> Vec<Unknown<'_>> {
    let mut found: Vec<Unknown<'_>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for fault in faults {
        let ExportError::Unsupported { operator, node, module } = fault else { continue };
        let place = *places.entry(operator).or_insert(found.len());
        match found.get_mut(place) {
            Some(known) => known.calls += 1,
            None => found.push(Unknown { operator, calls: 1, first: (node, module) }),
        }
    }
    found
}

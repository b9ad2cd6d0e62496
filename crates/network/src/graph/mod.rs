//! The graph: operations in the order of execution, each fed by earlier ones.

mod backward;
mod change;
mod forward;
mod layer;
mod lowered;
mod operation;
mod rule;
pub mod target;

pub use change::{Clean, Plan, Replacement};
pub(crate) use change::{Cut, Cutter, Cutting, GROUPS, Patches};
pub use forward::Trace;
pub use layer::Layer;
pub use layer::tail::Tail;
pub(crate) use lowered::purpose::{Keep, Use};
pub use lowered::shared::SharedProofs;
pub(crate) use operation::compared::{Compared, NO_CHANGE, Pair};
pub use operation::gated::Gate;
pub(crate) use operation::gated::Gated;
pub(crate) use operation::kept::{How, Kept, unkept};
pub(crate) use operation::local::{Reach, Split};
pub(crate) use operation::size::Size;
pub(crate) use operation::spatial::Spatial;
pub(crate) use operation::stem::Stem;
pub(crate) use operation::sum::Come;
pub use operation::sum::Sum;
pub(crate) use operation::values::{Constant, Detach, Images, copied};
pub(crate) use operation::{Local, Operation};
pub use rule::{Gradient, Place, Rule, Step, Steps};

use std::fmt;
use std::rc::Rc;

use tch::{Kind, TchError, Tensor};

use self::lowered::record::Record;
use crate::tensors::lazy::Lazy;

/// Position of an operation in its graph, and of the value that it computes.
pub(crate) type Id = usize;

/// A model: images `[n, channels, h, w]` in, logits `[n, classes]` out.
#[derive(Debug)]
pub struct Graph {
    pub(crate) nodes: Vec<Node>,
    /// For each value the last node that reads it: nothing is held longer than that.
    last_use: Vec<Id>,
    /// For each value how many nodes read it.
    pub(crate) readers: Vec<usize>,
    pub(crate) shape: Shape,
    /// The function of the graph in operations of one device: passes run on these.
    pub(crate) lowered: Option<Lowered>,
    /// Why there is none although the graph is on a device that has operations for it.
    pub(crate) refused: Option<String>,
    /// Passes of the lowered graph that were proved.
    pub(crate) record: Record,
    /// Sentences on how the graph was made, for a person.
    notes: Vec<String>,
    /// What cuts boxes of hidden windows out of the values of a lowered graph, on a device that does so by a table.
    pub(crate) cutting: Option<Cutting>,
    /// The graph with batch norms folded.
    pub(crate) canonical: Lazy<Self>,
}

/// A graph in operations of one device, and who proves that it computes what the plain graph does.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub(crate) graph: Box<Graph>,
    pub(crate) prover: Box<dyn Prover>,
    /// Whether it computes on a GPU.
    pub(crate) is_for_gpus: bool,
}

/// The proof that passes of a lowered graph give what those of its plain graph `graph` give. A pass that fails takes
/// the lowered graph out of use.
pub(crate) trait Prover: fmt::Debug {
    /// Proves passes of `n` images of `[height, width]` for a purpose.
    fn pass(&self, graph: &Graph, n: i64, size: [i64; 2], used: Use<'_>) -> Result<(), TchError>;

    /// Proves the last step backward, of as many rows as `gradient` has, for images of `size`.
    fn stem(&self, graph: &Graph, gradient: &Tensor, size: [i64; 2]) -> Result<(), TchError>;

    /// Proves the logits of images of `size` in which `replacements` were made.
    fn changes(&self, graph: &Graph, size: [i64; 2], replacements: &[Replacement]) -> Result<(), TchError>;

    /// Proves the logits of `n` images with each of so many of the windows of `plan` hidden.
    fn hiding(&self, graph: &Graph, n: i64, plan: &Plan, windows: usize) -> Result<(), TchError>;
}

/// Shapes of the input and the output of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) channels: i64,
    pub(crate) classes: i64,
    /// Size `[height, width]` of the images, where the model takes no other size.
    pub(crate) size: Option<[i64; 2]>,
    /// Type of the values between the layers, where it is narrower than that of images, logits and gradients.
    pub(crate) narrow: Option<Kind>,
}

/// `kind`, if it is narrower than the type of images and logits then is.
pub(crate) fn narrow(kind: Kind) -> Option<Kind> {
    matches!(kind, Kind::Half | Kind::BFloat16).then_some(kind)
}

/// The type of images, logits and gradients where layers compute in `kind`.
pub(crate) fn wide(kind: Kind) -> Kind {
    if narrow(kind).is_some() { Kind::Float } else { kind }
}

/// Height and width of `[n, c, h, w]`.
pub(crate) fn plane(images: &Tensor) -> Result<[i64; 2], TchError> {
    let (_, _, height, width) = images.size4()?;
    Ok([height, width])
}

/// An operation and the values that feed it.
#[derive(Debug)]
pub(crate) struct Node {
    /// The module's name in PyTorch (`layer1.0.conv1`), for errors and layer methods.
    pub(crate) name: String,
    pub(crate) operation: Rc<dyn Operation>,
    pub(crate) inputs: Vec<Id>,
}

impl Graph {
    /// A graph of `nodes` in the order of execution: the first is the images, the last gives the logits.
    pub(crate) fn new(nodes: Vec<Node>, shape: Shape) -> Self {
        let mut last_use: Vec<Id> = (0..nodes.len()).collect();
        let mut readers = vec![0; nodes.len()];
        for (id, node) in nodes.iter().enumerate() {
            for &input in &node.inputs {
                last_use[input] = id;
                readers[input] += 1;
            }
        }
        Self {
            nodes,
            last_use,
            readers,
            shape,
            lowered: None,
            refused: None,
            record: Record::default(),
            notes: Vec::new(),
            cutting: None,
            canonical: Lazy::default(),
        }
    }

    /// The graph with `notes` for a person on how the graph was made.
    pub(crate) fn noted(self, notes: Vec<String>) -> Self {
        Self { notes, ..self }
    }

    /// Sentences for a person on how the graph was made.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Channels of an image.
    pub fn channels(&self) -> i64 {
        self.shape.channels
    }

    /// Number of classes.
    pub fn classes(&self) -> i64 {
        self.shape.classes
    }

    /// `[height, width]` of an image, where the model takes no other.
    pub fn size(&self) -> Option<[i64; 2]> {
        self.shape.size
    }

    /// Whether the images may change the logits in ways that no gradient shows.
    pub(crate) fn hides_changes(&self) -> bool {
        self.nodes.iter().any(|node| node.operation.hides_changes())
    }

    /// Gives back the memory of what passes have made of the weights, as backward and for changes of a few pixels they need them in
    /// other layouts: what is needed again is made again. Whether there was anything.
    pub fn forget(&self) -> bool {
        let lowered = self.lowered.as_ref().is_some_and(|lowered| lowered.graph.forget());
        let planned = self.cutting.as_ref().is_some_and(Cutting::forget);
        let folded = self.canonical.forget() || lowered || planned;
        self.nodes.iter().fold(folded, |any, node| node.operation.forget() || any)
    }

    /// `values` from outside in the type that layers compute in.
    pub(crate) fn enter(&self, values: &Tensor) -> Result<Tensor, TchError> {
        self.shape.narrow.map_or_else(|| Ok(values.shallow_clone()), |kind| values.f_to_kind(kind))
    }

    /// `values` of layers as they are given out: in single precision, if layers compute in less.
    pub(crate) fn leave(&self, values: Tensor) -> Result<Tensor, TchError> {
        if self.shape.narrow.is_some() { values.f_to_kind(Kind::Float) } else { Ok(values) }
    }

    /// Number of operations.
    pub fn operations(&self) -> usize {
        self.nodes.len()
    }
}

#[cfg(test)]
mod tests;

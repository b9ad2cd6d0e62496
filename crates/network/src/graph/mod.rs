//! The graph: operations in the order of execution, each fed by earlier ones.

mod backward;
mod change;
mod differences;
mod fold;
mod forward;
mod layer;
mod layout;
mod lower;
mod operation;
mod pictures;
mod proof;
mod sum;

pub use backward::Rule;
pub use change::{Clean, Replacement};
pub use forward::Trace;
pub(crate) use forward::{How, Kept};
pub use layer::Layer;
pub(crate) use operation::{Operation, Pair, Part, Reach, Split};
pub(crate) use pictures::Spatial;
pub(crate) use sum::Sum;

use std::rc::Rc;

use self::proof::Proof;
use tch::{Kind, TchError, Tensor};

/// Position of an operation in its graph, and of the value that it computes.
pub(crate) type Id = usize;

/// A model: images `[n, channels, h, w]` in, logits `[n, classes]` out.
#[derive(Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    /// For each value the last node that reads it: nothing is held longer than that.
    last_use: Vec<Id>,
    /// For each value how many nodes read it.
    readers: Vec<usize>,
    shape: Shape,
    /// The same function in operations for this processor: what passes run on, if it is there.
    lowered: Option<Box<Graph>>,
    /// What is known of that.
    proof: Proof,
    /// What a person should know of how it was made.
    notes: Vec<String>,
}

/// What a graph takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) channels: i64,
    pub(crate) classes: i64,
    /// `[height, width]`, where the model takes no other.
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
        Self { nodes, last_use, readers, shape, lowered: None, proof: Proof::default(), notes: Vec::new() }
    }

    /// The same graph, with what a person should know of how it was made.
    pub(crate) fn noted(self, notes: Vec<String>) -> Self {
        Self { notes, ..self }
    }

    /// What a person should know of how it was made, sentence by sentence.
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

    /// Whether passes run on fused operations and values in blocks of channels.
    pub fn is_lowered(&self) -> bool {
        self.lowered.is_some() && !self.proof.is_against()
    }

    /// Whether the images may change the logits in ways that no gradient shows.
    pub(crate) fn hides_changes(&self) -> bool {
        self.nodes.iter().any(|node| node.operation.hides_changes())
    }

    /// Gives back the memory of what passes have made of the weights, as backward and for changes of a few pixels they need them in
    /// other layouts: what is needed again is made again. Whether there was anything.
    pub fn forget(&self) -> bool {
        let lowered = self.lowered.as_ref().is_some_and(|graph| graph.forget());
        self.nodes.iter().fold(lowered, |any, node| node.operation.forget() || any)
    }

    /// `values` from outside in the type that layers compute in.
    fn enter(&self, values: &Tensor) -> Result<Tensor, TchError> {
        self.shape.narrow.map_or_else(|| Ok(values.shallow_clone()), |kind| values.f_to_kind(kind))
    }

    /// `values` of layers as they are given out: in single precision, if layers compute in less.
    fn leave(&self, values: Tensor) -> Result<Tensor, TchError> {
        if self.shape.narrow.is_some() { values.f_to_kind(Kind::Float) } else { Ok(values) }
    }

    /// Number of operations.
    pub fn operations(&self) -> usize {
        self.nodes.len()
    }
}

#[cfg(test)]
mod tests;

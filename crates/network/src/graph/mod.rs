//! The graph: operations in the order of execution, each fed by earlier ones.

mod backward;
mod fold;
mod forward;
mod operation;

pub use backward::{Gradient, Rule};
pub use forward::Trace;
pub(crate) use operation::{BatchNorm, Linear, MaxPool, Operation};

/// Position of an operation in its graph, and of the value that it computes.
pub(crate) type Id = usize;

/// A model: images `[n, channels, h, w]` in, logits `[n, classes]` out.
#[derive(Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    /// For each value the last node that reads it: nothing is held longer than that.
    last_use: Vec<Id>,
    channels: i64,
    classes: i64,
}

/// An operation and the values that feed it.
#[derive(Debug)]
pub(crate) struct Node {
    /// The module's name in PyTorch (`layer1.0.conv1`), for errors and layer methods.
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) inputs: Vec<Id>,
}

impl Graph {
    /// A graph of `nodes` in the order of execution; the last one gives the logits.
    pub(crate) fn new(nodes: Vec<Node>, channels: i64, classes: i64) -> Self {
        let mut last_use: Vec<Id> = (0..nodes.len()).collect();
        for (id, node) in nodes.iter().enumerate() {
            for &input in &node.inputs {
                last_use[input] = id;
            }
        }
        Self { nodes, last_use, channels, classes }
    }

    /// Channels of an image.
    pub fn channels(&self) -> i64 {
        self.channels
    }

    /// Number of classes.
    pub fn classes(&self) -> i64 {
        self.classes
    }

    /// Number of operations.
    pub fn operations(&self) -> usize {
        self.nodes.len()
    }
}

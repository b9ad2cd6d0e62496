//! The canonical form of a graph, on which relevance is defined: batch norms behind convolutions are part of these.

use std::rc::Rc;

use tch::TchError;

use crate::graph::{Graph, Node};

impl Graph {
    /// The graph with its batch norms folded, in operations of no device; made once, until [`Graph::forget`].
    pub fn canonical(&self) -> Result<Rc<Self>, TchError> {
        self.canonical.get(|| {
            let nodes = self.nodes.iter().map(|node| Node {
                name: node.name.clone(),
                operation: Rc::clone(&node.operation),
                inputs: node.inputs.clone(),
            });
            Self::new(nodes.collect(), self.shape).folded()
        })
    }
}

//! The canonical form of a graph, on which relevance is defined: batch norms behind convolutions are part of these.

use std::rc::Rc;

use tch::TchError;

use crate::graph::{Graph, Node};
use crate::operations::{BatchNorm, Convolution};

impl Graph {
    /// The graph with its batch norms folded, in operations of no device; made once, until [`Graph::forget`].
    pub fn canonical(&self) -> Result<Rc<Self>, TchError> {
        self.canonical.get(|| {
            let nodes = self.nodes.iter().map(|node| Node {
                name: node.name.clone(),
                operation: Rc::clone(&node.operation),
                inputs: node.inputs.clone(),
            });
            let mut folded = Self::new(nodes.collect(), self.shape).folded()?;
            // Rules are given for layers: for convolutions, and not for the norms behind them, whose values these now have.
            for node in folded.nodes.iter_mut().filter(|node| node.operation.as_a::<Convolution>().is_some()) {
                node.name = self.convolution_before(&node.name).unwrap_or(&node.name).to_owned();
            }
            Ok(folded)
        })
    }

    /// Name of the convolution before the norm called `name`.
    fn convolution_before(&self, name: &str) -> Option<&str> {
        let norm = self.nodes.iter().find(|node| node.name == name && node.operation.as_a::<BatchNorm>().is_some())?;
        let before = &self.nodes[*norm.inputs.first()?];
        before.operation.as_a::<Convolution>().map(|_| before.name.as_str())
    }
}

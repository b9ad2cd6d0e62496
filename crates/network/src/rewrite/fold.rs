//! Batch norms folded into the convolutions before them: a canonical form of the graph.

use std::rc::Rc;

use tch::{Kind, TchError, Tensor};

use crate::graph::{Graph, Id, Node};
use crate::operations::{BatchNorm, Convolution};

impl Graph {
    /// Folds every batch norm that alone follows a convolution into the convolution. The function stays: `w' = w s`,
    /// `b' = (b - mean) s + bias` with `s = weight / sqrt(variance + eps)`.
    ///
    /// In float32 the logits agree to rounding, but a ReLU whose input is within rounding of zero
    /// may flip, which changes a gradient by up to some percent of its peak.
    pub fn folded(self) -> Result<Self, TchError> {
        let Self { nodes: old, readers, shape, lowered, .. } = self;
        let mut nodes: Vec<Node> = Vec::with_capacity(old.len());
        // Where each value of this graph is in the new one.
        let mut moved: Vec<Id> = Vec::with_capacity(old.len());
        for mut node in old {
            let before = node.inputs.first().copied();
            for input in &mut node.inputs {
                *input = moved[*input];
            }
            if let (Some(norm), Some(before)) = (node.operation.as_a(), before)
                && let Some(convolution) = nodes[moved[before]].operation.as_a()
                && readers[before] == 1
            {
                let folded = fold(convolution, norm)?;
                // What comes out is the batch norm's value: a layer is found by that name.
                nodes[moved[before]] = Node {
                    name: node.name,
                    operation: Rc::new(folded),
                    inputs: std::mem::take(&mut nodes[moved[before]].inputs),
                };
                moved.push(moved[before]);
                continue;
            }
            moved.push(nodes.len());
            nodes.push(node);
        }
        let folded = Self::new(nodes, shape);
        if lowered.is_some() { crate::devices::lower(folded) } else { Ok(folded) }
    }
}

fn fold(convolution: &Convolution, norm: &BatchNorm) -> Result<Convolution, TchError> {
    let kind = convolution.weight.f_kind()?;
    let double = |tensor: &Tensor| tensor.f_to_kind(Kind::Double);
    let scale = norm.scale()?;
    let weight = double(&convolution.weight)?.f_mul(&scale.f_view([-1, 1, 1, 1])?)?;
    let shift = match &convolution.bias {
        Some(bias) => double(bias)?.f_sub(&double(&norm.mean)?)?,
        None => double(&norm.mean)?.f_neg()?,
    };
    let bias = shift.f_mul(&scale)?.f_add(&double(&norm.bias)?)?;
    Convolution::new(weight.f_to_kind(kind)?, Some(bias.f_to_kind(kind)?), convolution.geometry)
}

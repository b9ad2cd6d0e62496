//! The forward pass, and the trace of it that the backward pass needs.

use tch::{TchError, Tensor};

use super::proof::{Use, plane};
use super::{Graph, Id, Node};

/// One forward pass: its logits and what backward passes need of it, for any number of them.
///
/// Of a ReLU only the signs are kept (a byte a value), of a pooling the winners, of most others the
/// size of their input: a quarter of the activations' bytes.
#[derive(Debug)]
pub struct Trace {
    pub(super) logits: Tensor,
    pub(super) kept: Vec<Kept>,
    /// The value of the layer that was asked for.
    pub(super) layer: Option<Tensor>,
    /// Whether it is of the lowered graph.
    pub(super) lowered: bool,
}

/// What one operation leaves for the backward pass.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Shape of each input.
    pub(crate) shapes: Vec<Vec<i64>>,
    /// Shape of the output.
    pub(crate) output_shape: Vec<i64>,
    /// What the operation itself wants to keep.
    pub(crate) tensors: Vec<Tensor>,
    /// Inputs and output, for operations that compare two passes.
    pub(crate) values: Option<(Vec<Tensor>, Tensor)>,
}

/// How an operation is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// Whether a backward pass will follow.
    pub(crate) keep: bool,
    /// Whether the first input may be overwritten.
    pub(crate) overwrite: bool,
    /// Whether this pass will be compared with another one.
    pub(crate) compare: bool,
    /// Number of images in this pass.
    pub(crate) images: i64,
}

impl How {
    /// For the output alone.
    pub(crate) const FORWARD: Self = Self { keep: false, overwrite: false, compare: false, images: 0 };
}

/// What a forward pass leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Logits,
    /// What backward passes need, and the value of one layer.
    Trace(Option<Id>),
    /// The same, and the values that two passes are compared by.
    Values,
}

impl Trace {
    /// `[n, classes]`.
    pub fn logits(&self) -> &Tensor {
        &self.logits
    }

    /// Number of images.
    pub(super) fn images(&self) -> i64 {
        self.logits.size().first().copied().unwrap_or(0)
    }

    /// Height and width of the images.
    pub(super) fn size(&self) -> Result<[i64; 2], TchError> {
        match self.kept.first().map(|kept| kept.output_shape.as_slice()) {
            Some([.., height, width]) => Ok([*height, *width]),
            _ => Err(unkept()),
        }
    }
}

impl Kept {
    /// Input `index`, if values were kept.
    pub(crate) fn input(&self, index: usize) -> Result<&Tensor, TchError> {
        self.values.as_ref().and_then(|(inputs, _)| inputs.get(index)).ok_or_else(unkept)
    }

    /// The output, if values were kept.
    pub(crate) fn output(&self) -> Result<&Tensor, TchError> {
        self.values.as_ref().map(|(_, output)| output).ok_or_else(unkept)
    }

    /// What the operation kept at `index`.
    pub(crate) fn tensor(&self, index: usize) -> Result<&Tensor, TchError> {
        self.tensors.get(index).ok_or_else(unkept)
    }

    /// Height and width of input `index`.
    pub(crate) fn area(&self, index: usize) -> Result<[i64; 2], TchError> {
        match self.shape(index)? {
            [.., height, width] => Ok([*height, *width]),
            other => Err(TchError::Shape(format!("shape {other:?}, expected [n, c, h, w]"))),
        }
    }

    /// Height and width of input `index`, `[n, c, h, w]` or blocked.
    pub(crate) fn plane(&self, index: usize) -> Result<[i64; 2], TchError> {
        match self.shape(index)? {
            [_, _, height, width] | [_, _, height, width, _] => Ok([*height, *width]),
            other => Err(TchError::Shape(format!("shape {other:?}, expected [n, c, h, w]"))),
        }
    }

    /// Shape of input `index`.
    pub(crate) fn shape(&self, index: usize) -> Result<&[i64], TchError> {
        self.shapes.get(index).map(Vec::as_slice).ok_or_else(unkept)
    }
}

fn unkept() -> TchError {
    TchError::Shape("the forward pass did not keep what this backward pass needs".to_owned())
}

impl Graph {
    /// Logits `[n, classes]` of `images` `[n, channels, h, w]`; nothing else is kept.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor, TchError> {
        Ok(self.pass(images, Keep::Logits)?.logits)
    }

    /// As [`Graph::forward`], keeping what backward passes need.
    pub fn trace(&self, images: &Tensor) -> Result<Trace, TchError> {
        self.pass(images, Keep::Trace(None))
    }

    /// As [`Graph::trace`], keeping also the values by which [`Graph::multipliers`] compares two passes.
    pub fn trace_values(&self, images: &Tensor) -> Result<Trace, TchError> {
        self.pass(images, Keep::Values)
    }

    /// The operations that passes run on.
    pub(super) fn running(&self) -> &Self {
        self.lowered.as_deref().filter(|_| self.is_lowered()).unwrap_or(self)
    }

    /// The operations that `trace` is of.
    pub(super) fn of(&self, trace: &Trace) -> &Self {
        self.lowered.as_deref().filter(|_| trace.lowered).unwrap_or(self)
    }

    fn pass(&self, images: &Tensor, keep: Keep) -> Result<Trace, TchError> {
        self.prove_pass(images.size()[0], plane(images)?, Use::Forward(keep))?;
        Ok(Trace { lowered: self.is_lowered(), ..self.running().run(images, keep)? })
    }

    pub(super) fn run(&self, images: &Tensor, keep: Keep) -> Result<Trace, TchError> {
        let mut values: Vec<Option<Tensor>> = Vec::with_capacity(self.nodes.len());
        let mut kept = Vec::with_capacity(self.nodes.len());
        let mut layer = None;
        let images = self.enter(images)?;
        let rows = images.size().first().copied().unwrap_or(0);
        for (id, node) in self.nodes.iter().enumerate() {
            let value = if id == 0 {
                kept.push(Kept { output_shape: images.size(), ..Kept::default() });
                images.shallow_clone()
            } else {
                let (value, of_node) = self.step(node, &values, (keep, rows))?;
                kept.push(of_node);
                value
            };
            if keep == Keep::Trace(Some(id)) {
                layer = Some(value.shallow_clone());
            }
            values.push(Some(value));
            for &input in &node.inputs {
                if self.last_use[input] == id {
                    values[input] = None;
                }
            }
        }
        let logits = values.pop().flatten().ok_or_else(|| TchError::Shape("the graph is empty".to_owned()))?;
        Ok(Trace { logits: self.leave(logits)?, kept, layer, lowered: false })
    }

    fn step(
        &self,
        node: &Node,
        values: &[Option<Tensor>],
        (keep, images): (Keep, i64),
    ) -> Result<(Tensor, Kept), TchError> {
        let read = |id: &Id| {
            let value = values.get(*id).and_then(Option::as_ref);
            value.ok_or_else(|| TchError::Shape(format!("`{}` reads a value that is gone", node.name)))
        };
        let inputs = node.inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let how = How {
            keep: keep != Keep::Logits,
            overwrite: self.may_overwrite(node, keep),
            compare: keep == Keep::Values,
            images,
        };
        let shapes = inputs.iter().map(|input| input.size()).collect();
        let (value, tensors) = node.operation.run(&inputs, how)?;
        let mut of_node = Kept { shapes, output_shape: value.size(), tensors, values: None };
        if keep == Keep::Values && node.operation.compares() {
            let inputs = inputs.iter().map(|input| input.shallow_clone()).collect();
            of_node.values = Some((inputs, value.shallow_clone()));
        }
        Ok((value, of_node))
    }

    /// Whether the first input of `node` may be overwritten: it is nobody's but this node's. What is
    /// compared or given out as a layer must stay as it is.
    fn may_overwrite(&self, node: &Node, keep: Keep) -> bool {
        let Some(&first) = node.inputs.first() else { return false };
        let free = matches!(keep, Keep::Logits | Keep::Trace(None));
        free && self.readers[first] == 1 && self.nodes[first].operation.gives_away()
    }
}

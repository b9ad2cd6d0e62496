//! The forward pass, and the trace of it that the backward pass needs.

use tch::{TchError, Tensor};

use super::lowered::purpose::{Keep, Use};
use super::operation::kept::{How, Kept, unkept};
use super::rule::{Place, Rule};
use super::{Graph, Id, Node, plane};

/// A forward pass: its logits, and the values that any number of backward passes need.
///
/// Signs are all that is kept of a ReLU (a byte a value), winners of a pooling, and the size of the input of most others: a quarter
/// of the activations' bytes.
#[derive(Debug)]
pub struct Trace {
    pub(crate) logits: Tensor,
    pub(crate) kept: Vec<Kept>,
    /// The value of the layer that was asked for.
    pub(super) layer: Option<Tensor>,
    /// Whether it is of the lowered graph.
    pub(super) lowered: bool,
}

impl Trace {
    /// Logits `[n, classes]`.
    pub fn logits(&self) -> &Tensor {
        &self.logits
    }

    /// Bytes of all values that are kept; more than they take where several are of one memory.
    pub fn bytes(&self) -> usize {
        let values = |kept: &Kept| kept.values.as_ref().map_or(0, |(inputs, output)| bytes(inputs) + size(output));
        self.kept.iter().map(|kept| bytes(&kept.tensors) + values(kept)).sum()
    }

    /// Whether the pass is of the lowered graph.
    pub fn is_lowered(&self) -> bool {
        self.lowered
    }

    /// The pass of `baselines`, one row for all or `rows`, of passes that `run` makes. One row is computed once and
    /// broadcast, unless an image has several rows somewhere.
    pub(crate) fn of_baselines(
        baselines: &Tensor,
        rows: i64,
        run: impl Fn(&Tensor) -> Result<Self, TchError>,
    ) -> Result<Self, TchError> {
        let trace = run(baselines)?;
        // What is fed by nothing is a constant, and does not count.
        let mut values = trace.kept.iter().filter(|kept| !kept.shapes.is_empty());
        let fit = values.all(|kept| kept.output_shape.first() == Some(&1));
        if baselines.size().first() != Some(&1) || rows == 1 || fit {
            return Ok(trace);
        }
        run(&baselines.f_expand([rows, -1, -1, -1], false)?.f_contiguous()?)
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

/// Bytes of the values of `tensors`.
fn bytes(tensors: &[Tensor]) -> usize {
    tensors.iter().map(size).sum()
}

/// Bytes of the values of `tensor`.
fn size(tensor: &Tensor) -> usize {
    tensor.numel() * tensor.kind().elt_size_in_bytes()
}

impl Graph {
    /// Logits `[n, classes]` of `images` `[n, channels, h, w]`; nothing else is kept.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor, TchError> {
        Ok(self.pass(images, Keep::Logits)?.logits)
    }

    /// Forward pass that keeps what backward passes need.
    pub fn trace(&self, images: &Tensor) -> Result<Trace, TchError> {
        self.pass(images, Keep::Trace(None))
    }

    /// Forward pass that keeps what backward passes by `rule` need. A rule whose steps do not know fused operations has its
    /// passes on the plain graph.
    pub fn trace_for(&self, images: &Tensor, rule: &dyn Rule) -> Result<Trace, TchError> {
        match rule.steps() {
            None => self.trace(images),
            Some(steps) if steps.know_fused() => self.pass(images, Keep::For(rule)),
            Some(_) => {
                self.record.count_pass();
                self.run(images, Keep::For(rule))
            }
        }
    }

    fn pass(&self, images: &Tensor, keep: Keep<'_>) -> Result<Trace, TchError> {
        self.prove_pass(images.size()[0], plane(images)?, Use::Forward(keep))?;
        self.record.count_pass();
        Ok(Trace { lowered: self.is_lowered(), ..self.running().run(images, keep)? })
    }

    pub(crate) fn run(&self, images: &Tensor, keep: Keep<'_>) -> Result<Trace, TchError> {
        self.run_without(images, keep, None)
    }

    /// Pass like [`Graph::run`], with zeros in place of the value `hidden`.
    pub(crate) fn run_without(&self, images: &Tensor, keep: Keep<'_>, hidden: Option<Id>) -> Result<Trace, TchError> {
        let mut values: Vec<Option<Tensor>> = Vec::with_capacity(self.nodes.len());
        let mut kept = Vec::with_capacity(self.nodes.len());
        let mut layer = None;
        let images = self.enter(images)?;
        let rows = images.size().first().copied().unwrap_or(0);
        for (id, node) in self.nodes.iter().enumerate() {
            let mut value = if id == 0 {
                kept.push(Kept { output_shape: images.size(), ..Kept::default() });
                images.shallow_clone()
            } else {
                let (value, of_node) = self.step(id, &values, (keep, rows))?;
                kept.push(of_node);
                value
            };
            if hidden == Some(id) {
                value = value.f_zeros_like()?;
            }
            if matches!(keep, Keep::Trace(Some(layer)) if layer == id) {
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

    pub(super) fn step(
        &self,
        id: Id,
        values: &[Option<Tensor>],
        (keep, images): (Keep<'_>, i64),
    ) -> Result<(Tensor, Kept), TchError> {
        let node = &self.nodes[id];
        let read = |id: &Id| {
            let value = values.get(*id).and_then(Option::as_ref);
            value.ok_or_else(|| TchError::Shape(format!("`{}` reads a value that is gone", node.name)))
        };
        let inputs = node.inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let how = How {
            keep: !matches!(keep, Keep::Logits),
            overwrite: self.may_overwrite(node, keep),
            compare: matches!(keep, Keep::For(_)),
            images,
        };
        let shapes = inputs.iter().map(|input| input.size()).collect();
        let (value, tensors) = node.operation.run(&inputs, how)?;
        let mut of_node = Kept { shapes, output_shape: value.size(), tensors, values: None };
        let place = Place { graph: self, id };
        if let Keep::For(rule) = keep
            && rule.steps().is_some_and(|steps| steps.reads(place))
        {
            let inputs = inputs.iter().map(|input| input.shallow_clone()).collect();
            of_node.values = Some((inputs, value.shallow_clone()));
        }
        Ok((value, of_node))
    }

    /// Whether the first input of `node` may be overwritten: it is nobody's but this node's. What is
    /// compared or given out as a layer must stay as it is.
    fn may_overwrite(&self, node: &Node, keep: Keep<'_>) -> bool {
        let Some(&first) = node.inputs.first() else { return false };
        let free = matches!(keep, Keep::Logits | Keep::Trace(None));
        free && self.readers[first] == 1 && self.nodes[first].operation.gives_away()
    }
}

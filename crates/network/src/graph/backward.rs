//! The backward pass: from a gradient of the logits to one of the images, by one rule per operation.

use tch::{TchError, Tensor};

use super::proof::Use;
use super::{Graph, Id, Sum, Trace};
use crate::target;

/// What a backward pass does at a ReLU, where attribution methods differ: the gradient g of the output of
/// x becomes g, with up to two factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether it passes only where x was positive.
    pub masked: bool,
    /// Whether it passes only where g is positive.
    pub rectified: bool,
    /// Whether the rule holds at functional ReLUs too, which Captum's hooks do not reach; else the plain
    /// gradient does.
    pub reaches_functions: bool,
}

impl Rule {
    /// The plain gradient.
    pub const GRADIENT: Self = Self { masked: true, rectified: false, reaches_functions: true };

    /// Gradient of a ReLU's input, from that of its output; `positive` says where the input was.
    pub(crate) fn relu(self, gradient: &Tensor, positive: &Tensor) -> Result<Tensor, TchError> {
        let passed = if self.masked { gradient.f_mul(positive)? } else { gradient.shallow_clone() };
        if self.rectified { passed.f_relu() } else { Ok(passed) }
    }
}

impl Graph {
    /// Gradient `[n, channels, h, w]` of the images of `trace`, from `gradient` `[n, classes]` of its
    /// logits, by `rule`. Weights never get a gradient.
    pub fn backward(&self, trace: &Trace, gradient: &Tensor, rule: Rule) -> Result<Tensor, TchError> {
        self.prove_backward(trace, rule)?;
        let graph = self.of(trace);
        graph.leave(graph.walk(&graph.enter(gradient)?, 0, graph.back(trace, rule))?)
    }

    fn prove_backward(&self, trace: &Trace, rule: Rule) -> Result<(), TchError> {
        if trace.lowered { self.prove_pass(trace.images(), trace.size()?, Use::Backward(rule)) } else { Ok(()) }
    }

    /// One step of a backward pass.
    pub(super) fn back<'a>(
        &'a self,
        trace: &'a Trace,
        rule: Rule,
    ) -> impl Fn(Id, &Tensor, &mut [Sum]) -> Result<(), TchError> + 'a {
        move |id, gradient, sums| self.nodes[id].operation.backward_onto(&trace.kept[id], gradient, rule, sums)
    }

    /// As [`Graph::backward`], up to the linear operations that stand first: `[n, ..]`, of which any sum
    /// over rows may be taken before [`Graph::through_stem`] gives the gradient of the images. A ResNet's
    /// first convolution then costs once for a whole path of integrated gradients.
    pub fn backward_to_stem(&self, trace: &Trace, gradient: &Tensor, rule: Rule) -> Result<Tensor, TchError> {
        let graph = self.of(trace);
        let Some(stem) = graph.stem() else { return self.backward(trace, gradient, rule) };
        self.prove_backward(trace, rule)?;
        let behind = graph.walk(&graph.enter(gradient)?, stem, graph.back(trace, rule))?;
        graph.leave(graph.nodes[stem].operation.before_linear(&trace.kept[stem], &behind, rule)?)
    }

    /// The gradient `[n, c, h, w]` of images of `size` from what [`Graph::backward_to_stem`] gave for a
    /// trace of [`Graph::trace`].
    pub fn through_stem(&self, gradient: &Tensor, size: [i64; 2]) -> Result<Tensor, TchError> {
        self.prove_stem(gradient, size)?;
        let graph = self.running();
        match graph.stem() {
            Some(stem) => graph.leave(graph.nodes[stem].operation.linear_part(&graph.enter(gradient)?, size)?),
            None => Ok(gradient.shallow_clone()),
        }
    }

    /// The only operation that reads the images, if it ends in a rule that follows a linear map.
    pub(super) fn stem(&self) -> Option<Id> {
        let mut readers = (0..self.nodes.len()).filter(|&id| self.nodes[id].inputs.contains(&0));
        let stem = readers.next().filter(|_| readers.next().is_none())?;
        (self.nodes[stem].inputs.len() == 1 && self.nodes[stem].operation.has_linear_part()).then_some(stem)
    }

    /// The gradient of the logits that selects the classes `targets` `[n]`: one there, zero elsewhere; of one logit the sign
    /// of the class.
    pub fn select(&self, logits: &Tensor, targets: &Tensor) -> Result<Tensor, TchError> {
        target::gradient(logits, targets)
    }

    /// Walks the graph from the logits to the value `until`, in the type of layers; `step` adds the gradient of
    /// each input of an operation, from that of its output.
    pub(super) fn walk(
        &self,
        gradient: &Tensor,
        until: Id,
        step: impl Fn(Id, &Tensor, &mut [Sum]) -> Result<(), TchError>,
    ) -> Result<Tensor, TchError> {
        let mut gradients: Vec<Sum> = self.nodes.iter().map(|_| Sum::default()).collect();
        if let Some(last) = gradients.last_mut() {
            *last = Sum::of(gradient);
        }
        for (id, node) in self.nodes.iter().enumerate().skip(until).rev() {
            let Some(gradient) = gradients[id].take() else { continue };
            if id == until {
                return Ok(gradient);
            }
            if node.inputs.is_empty() {
                continue;
            }
            let mut sums: Vec<Sum> = node.inputs.iter().map(|&input| std::mem::take(&mut gradients[input])).collect();
            step(id, &gradient, &mut sums)?;
            // A value may be read twice.
            for (&input, sum) in node.inputs.iter().zip(sums) {
                gradients[input].join(sum)?;
            }
        }
        Err(TchError::Shape(format!("the logits do not depend on `{}`", self.nodes[until].name)))
    }
}

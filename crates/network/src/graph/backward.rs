//! The backward pass: from a gradient of the logits to one of the images, by one rule per operation.

use tch::{TchError, Tensor};

use super::lowered::purpose::Use;
use super::operation::gated::Gated;
use super::operation::stem::Stem;
use super::operation::sum::{Come, Sum};
use super::rule::{Place, Rule, Step};
use super::{Graph, Id, Trace, target};

impl Graph {
    /// Gradient `[n, channels, h, w]` of the images of `trace`, from `gradient` `[n, classes]` of its
    /// logits, by `rule`. Weights never get a gradient. For a rule with steps the trace is one of [`Graph::trace_for`].
    pub fn backward(&self, trace: &Trace, gradient: &Tensor, rule: &dyn Rule) -> Result<Tensor, TchError> {
        self.backward_between(trace, None, gradient, rule)
    }

    /// As [`Graph::backward`], by a rule that compares `trace` with the pass `reference` of baselines.
    pub(crate) fn backward_between(
        &self,
        trace: &Trace,
        reference: Option<&Trace>,
        gradient: &Tensor,
        rule: &dyn Rule,
    ) -> Result<Tensor, TchError> {
        self.prove_backward(trace, rule)?;
        let graph = self.of(trace);
        graph.leave(graph.walk(&graph.enter(gradient)?, 0, graph.back(trace, reference, rule))?)
    }

    fn prove_backward(&self, trace: &Trace, rule: &dyn Rule) -> Result<(), TchError> {
        if !trace.lowered {
            return Ok(());
        }
        if rule.steps().is_some_and(|steps| !steps.know_fused()) {
            return Err(TchError::Shape(format!("{rule:?} does not know fused operations")));
        }
        self.prove_pass(trace.images(), trace.size()?, Use::Backward(rule))
    }

    /// One step of a backward pass, which may be compared with the pass `reference` of baselines.
    pub(crate) fn back<'a>(
        &'a self,
        trace: &'a Trace,
        reference: Option<&'a Trace>,
        rule: &'a dyn Rule,
    ) -> impl Fn(Id, &Come, &mut [Sum]) -> Result<(), TchError> + 'a {
        move |id, come, sums| {
            let (kept, reference) = (&trace.kept[id], reference.map(|trace| &trace.kept[id]));
            let step = Step { place: Place { graph: self, id }, kept, reference };
            if let Some(steps) = rule.steps()
                && steps.take(&step, &come.whole()?, sums)?
            {
                return Ok(());
            }
            let operation = step.place.operation();
            match operation.gated() {
                Some(relu) => relu.backward_of_come(rule.gate(relu.is_functional()), kept, come, sums),
                None => operation.backward_of(kept, come, sums),
            }
        }
    }

    /// As [`Graph::backward`], up to the linear operations that stand first: `[n, ..]`, of which any sum
    /// over rows may be taken before [`Graph::through_stem`] gives the gradient of the images. A ResNet's
    /// first convolution then costs once for a whole path of integrated gradients.
    ///
    /// Only rules without steps of their own go this way.
    pub fn backward_to_stem(&self, trace: &Trace, gradient: &Tensor, rule: &dyn Rule) -> Result<Tensor, TchError> {
        if rule.steps().is_some() {
            return Err(TchError::Shape(format!("{rule:?} has steps, which a stem does not know")));
        }
        let graph = self.of(trace);
        let Some((id, stem)) = graph.stem() else { return self.backward(trace, gradient, rule) };
        self.prove_backward(trace, rule)?;
        let behind = graph.walk(&graph.enter(gradient)?, id, graph.back(trace, None, rule))?;
        let is_functional = graph.nodes[id].operation.gated().is_some_and(Gated::is_functional);
        graph.leave(stem.before_linear(rule.gate(is_functional), &trace.kept[id], &behind)?)
    }

    /// The gradient `[n, c, h, w]` of images of `size` from what [`Graph::backward_to_stem`] gave for a
    /// trace of [`Graph::trace`].
    pub fn through_stem(&self, gradient: &Tensor, size: [i64; 2]) -> Result<Tensor, TchError> {
        if let Some(lowered) = self.lowered.as_ref().filter(|_| self.is_lowered()) {
            lowered.prover.stem(self, gradient, size)?;
        }
        let graph = self.running();
        match graph.stem() {
            Some((_, stem)) => graph.leave(stem.linear_part(&graph.enter(gradient)?, size)?),
            None => Ok(gradient.shallow_clone()),
        }
    }

    /// The only operation that reads the images, if its step backward ends in a linear map.
    pub(crate) fn stem(&self) -> Option<(Id, &dyn Stem)> {
        let mut readers = (0..self.nodes.len()).filter(|&id| self.nodes[id].inputs.contains(&0));
        let id = readers.next().filter(|_| readers.next().is_none())?;
        let stem = self.nodes[id].operation.stem().filter(|_| self.nodes[id].inputs.len() == 1)?;
        Some((id, stem))
    }

    /// The gradient of the logits that selects the classes `targets` `[n]`: one there, zero elsewhere; of one logit the sign
    /// of the class.
    pub fn select(&self, logits: &Tensor, targets: &Tensor) -> Result<Tensor, TchError> {
        target::gradient(logits, targets)
    }

    /// Walks the graph from the logits to the value `until`, in the type of layers; `step` adds the gradient of
    /// each input of an operation, from that of its output, which may be in two parts where the operation adds them up.
    pub(crate) fn walk(
        &self,
        gradient: &Tensor,
        until: Id,
        step: impl Fn(Id, &Come, &mut [Sum]) -> Result<(), TchError>,
    ) -> Result<Tensor, TchError> {
        let mut gradients: Vec<Sum> = self.nodes.iter().map(|node| Sum::empty(node.operation.adds_up())).collect();
        if let Some(last) = gradients.last_mut() {
            *last = Sum::of(gradient);
        }
        for (id, node) in self.nodes.iter().enumerate().skip(until).rev() {
            let Some(come) = gradients[id].take_come() else { continue };
            if id == until {
                return come.whole();
            }
            if node.inputs.is_empty() {
                continue;
            }
            let mut sums: Vec<Sum> = node.inputs.iter().map(|&input| std::mem::take(&mut gradients[input])).collect();
            step(id, &come, &mut sums)?;
            // A value may be read twice.
            for (&input, sum) in node.inputs.iter().zip(sums) {
                gradients[input].join(sum)?;
            }
        }
        Err(TchError::Shape(format!("the logits do not depend on `{}`", self.nodes[until].name)))
    }
}

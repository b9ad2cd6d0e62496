//! Rules: what a backward pass does at operations where an attribution method differs from the plain gradient.

use std::fmt;

use tch::{TchError, Tensor};

use super::operation::Operation;
use super::operation::gated::Gate;
use super::operation::kept::Kept;
use super::operation::sum::Sum;
use super::{Graph, Id};

/// A rule of a backward pass. Where a rule says nothing, the plain gradient of the operation holds.
///
/// A rule that differs at ReLUs alone gives another [`Rule::gate`]: fused operations know gates, so that such a rule is as
/// fast as the gradient. A rule that differs elsewhere, as the rules of relevance propagation do, has [`Rule::steps`].
pub trait Rule: fmt::Debug {
    /// Name of backward passes by this rule, with its parameters: passes of different names are proved each by itself.
    fn name(&self) -> String;

    /// Gate of the rule at a ReLU, which is a module of its own unless `is_functional`.
    fn gate(&self, _is_functional: bool) -> Gate {
        Gate::PLAIN
    }

    /// Steps of the rule's own, if it has some besides gates.
    fn steps(&self) -> Option<&dyn Steps> {
        None
    }
}

/// Steps of a rule that take the place of plain gradients.
pub trait Steps {
    /// Whether the rule reads inputs and output at `place`: forward passes keep these values where it does.
    fn reads(&self, place: Place<'_>) -> bool;

    /// Adds to `sums` the gradient (or relevance) of each input, from `gradient` of the output. Returns false, with
    /// nothing added, where the plain gradient is to hold.
    fn take(&self, step: &Step<'_>, gradient: &Tensor, sums: &mut [Sum]) -> Result<bool, TchError>;

    /// Whether the steps compare the pass with that of baselines.
    fn compare(&self) -> bool {
        false
    }

    /// Whether the steps are defined for fused operations too; otherwise passes by the rule run on the plain graph.
    fn know_fused(&self) -> bool {
        false
    }
}

/// An operation at its place in a graph.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub(super) graph: &'a Graph,
    pub(super) id: Id,
}

/// An operation in a backward pass, with the values that forward passes kept there.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    pub(crate) place: Place<'a>,
    /// Values of the forward pass.
    pub(crate) kept: &'a Kept,
    /// Values of the pass of baselines, if there was one.
    pub(crate) reference: Option<&'a Kept>,
}

impl<'a> Place<'a> {
    /// The place of the value `id` of `graph`.
    pub(crate) fn of(graph: &'a Graph, id: Id) -> Self {
        Self { graph, id }
    }

    /// The operation.
    pub(crate) fn operation(self) -> &'a dyn Operation {
        self.graph.nodes[self.id].operation.as_ref()
    }

    /// Name of the module that the operation is.
    pub(crate) fn name(self) -> &'a str {
        &self.graph.nodes[self.id].name
    }

    /// Whether the operation gives the logits.
    pub(crate) fn is_last(self) -> bool {
        self.id + 1 == self.graph.nodes.len()
    }

    /// The operation that computes input `at`.
    pub(crate) fn input_operation(self, at: usize) -> Option<&'a dyn Operation> {
        let input = self.graph.nodes[self.id].inputs.get(at)?;
        Some(self.graph.nodes[*input].operation.as_ref())
    }

    /// Whether input `at` does not depend on the images.
    pub(crate) fn input_is_constant(self, at: usize) -> bool {
        self.graph.nodes[self.id].inputs.get(at).is_none_or(|&input| {
            let mut open = vec![input];
            while let Some(id) = open.pop() {
                if id == 0 {
                    return false;
                }
                open.extend(&self.graph.nodes[id].inputs);
            }
            true
        })
    }

    /// Whether the operation is one that `is_layer`, or reads what depends on the images through one.
    pub(crate) fn is_behind(self, is_layer: impl Fn(Place<'_>) -> bool) -> bool {
        let mut open = vec![self.id];
        let mut seen = vec![false; self.id + 1];
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut seen[id], true) {
                continue;
            }
            if is_layer(Place { id, ..self }) {
                return true;
            }
            // The first input last: it mostly leads to a layer soonest.
            open.extend(self.graph.nodes[id].inputs.iter().rev());
        }
        false
    }

    /// Whether what computes input `at` is [`Place::is_behind`] a layer.
    pub(crate) fn input_is_behind(self, at: usize, is_layer: impl Fn(Place<'_>) -> bool) -> bool {
        let input = self.graph.nodes[self.id].inputs.get(at);
        input.is_some_and(|&id| Place { id, ..self }.is_behind(is_layer))
    }

    /// Whether an input depends on the images, and on no layer.
    pub(crate) fn borders(self, is_layer: impl Fn(Place<'_>) -> bool + Copy) -> bool {
        (0..self.graph.nodes[self.id].inputs.len())
            .any(|at| !self.input_is_constant(at) && !self.input_is_behind(at, is_layer))
    }

    /// Whether the operation is a layer that reads the images, no other layer in between.
    pub(crate) fn reads_images(self, is_layer: impl Fn(Place<'_>) -> bool + Copy) -> bool {
        is_layer(self) && !self.input_is_behind(0, is_layer)
    }

    /// The operation that computes the first input.
    pub(crate) fn before(self) -> Option<&'a dyn Operation> {
        let input = self.graph.nodes[self.id].inputs.first()?;
        Some(self.graph.nodes[*input].operation.as_ref())
    }
}

impl Step<'_> {
    /// Adds the plain gradient of each input to `sums`.
    pub(crate) fn plain(&self, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        let operation = self.place.operation();
        match operation.gated() {
            Some(relu) => relu.backward_by(Gate::PLAIN, self.kept, gradient, sums),
            None => operation.backward_onto(self.kept, gradient, sums),
        }
    }
}

/// The plain gradient: the rule that says nothing.
#[derive(Clone, Copy, Debug)]
pub struct Gradient;

impl Rule for Gradient {
    fn name(&self) -> String {
        "backward".to_owned()
    }
}

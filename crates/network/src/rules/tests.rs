//! Toy rules that are added as others are, on a network so small that relevances can be worked out by hand; and the names of passes.

use std::rc::Rc;

use tch::{Device, Kind, TchError, Tensor};

use super::RULES;
use crate::Weights;
use crate::graph::{Gate, Gradient, Graph, How, Images, Node, Operation, Place, Rule, Shape, Step, Steps, Sum};
use crate::models::load;
use crate::operations::{Linear, Relu, Reshape};

/// Relevance of linear layers with a stabiliser, Bach et al. 2015, <https://doi.org/10.1371/journal.pone.0130140>: input i
/// of an output z takes the share `x_i w_i / (z + epsilon)`, with the sign of z before epsilon.
#[derive(Debug)]
struct Epsilon(f64);

impl Rule for Epsilon {
    fn name(&self) -> String {
        format!("epsilon ({})", self.0)
    }

    /// Relevance passes a ReLU as it is.
    fn gate(&self, _: bool) -> Gate {
        Gate { masked: false, rectified: false }
    }

    fn steps(&self) -> Option<&dyn Steps> {
        Some(self)
    }
}

impl Steps for Epsilon {
    fn reads(&self, place: Place<'_>) -> bool {
        place.operation().as_a::<Linear>().is_some()
    }

    fn take(&self, step: &Step<'_>, relevance: &Tensor, sums: &mut [Sum]) -> Result<bool, TchError> {
        let Some(linear) = step.place.operation().as_a::<Linear>() else { return Ok(false) };
        let z = step.kept.output()?;
        let shares = relevance.f_div(&z.f_add(&z.f_sign()?.f_mul_scalar(self.0)?)?)?;
        let back = linear.backward(step.kept, &shares)?.remove(0);
        sums[0].add(step.kept.input(0)?.f_mul(&back)?)?;
        Ok(true)
    }
}

/// Relevance of linear layers by positive weights alone: a second forward pass, with other weights.
#[derive(Debug)]
struct Positive;

impl Rule for Positive {
    fn name(&self) -> String {
        "positive".to_owned()
    }

    fn gate(&self, _: bool) -> Gate {
        Gate { masked: false, rectified: false }
    }

    fn steps(&self) -> Option<&dyn Steps> {
        Some(self)
    }
}

impl Steps for Positive {
    fn reads(&self, place: Place<'_>) -> bool {
        place.operation().as_a::<Linear>().is_some()
    }

    fn take(&self, step: &Step<'_>, relevance: &Tensor, sums: &mut [Sum]) -> Result<bool, TchError> {
        let Some(linear) = step.place.operation().as_a::<Linear>() else { return Ok(false) };
        let positive = Linear { weight: linear.weight.f_clamp_min(0.0)?, bias: None };
        let x = step.kept.input(0)?;
        let z = positive.run(&[x], How::FORWARD)?.0;
        sums[0].add(x.f_mul(&positive.backward(step.kept, &relevance.f_div(&z)?)?[0])?)?;
        Ok(true)
    }
}

/// Two pixels, a linear layer of two units, a ReLU, and a linear layer of one logit.
fn network() -> Result<Graph, TchError> {
    let matrix = |values: &[f64]| Tensor::f_from_slice(values)?.f_view([-1, 2]);
    let first = Linear { weight: matrix(&[1.0, 1.0, 2.0, -1.0])?, bias: Some(Tensor::f_from_slice(&[1.0, 1.0])?) };
    let last = Linear { weight: matrix(&[1.0, -1.0])?, bias: None };
    let operations: [Rc<dyn Operation>; 5] =
        [Rc::new(Images), Rc::new(Reshape::flat()), Rc::new(first), Rc::new(Relu { functional: false }), Rc::new(last)];
    let node = |(id, operation): (usize, Rc<dyn Operation>)| Node {
        name: id.to_string(),
        operation,
        inputs: id.checked_sub(1).into_iter().collect(),
    };
    let nodes = operations.into_iter().enumerate().map(node).collect();
    Ok(Graph::new(nodes, Shape { channels: 1, classes: 1, size: None, narrow: None }))
}

/// Relevance of the pixels 1 and 2 by `rule`, which begins with the logit.
fn relevance(rule: &dyn Rule) -> Result<Vec<f64>, TchError> {
    let graph = network()?;
    let trace = graph.trace_for(&Tensor::f_from_slice(&[1.0, 2.0])?.f_view([1, 1, 1, 2])?, rule)?;
    assert_eq!(trace.logits().f_double_value(&[0, 0])?, 3.0);
    let found = graph.backward(&trace, trace.logits(), rule)?.f_view([2])?;
    (0..2).map(|pixel| found.f_double_value(&[pixel])).collect()
}

/// The units are 1 + 2 + 1 = 4 and 2 - 2 + 1 = 1, the logit is 4 - 1 = 3. With epsilon 1 the logit gives 3 / (3 + 1) to
/// each term: 3 to the first unit, -0.75 to the second. These give 3 / (4 + 1) = 0.6 and -0.75 / (1 + 1) = -0.375 to each
/// of their terms: 1 (0.6 - 2 0.375) to the first pixel, and 2 (0.6 + 0.375) to the second.
#[test]
fn a_rule_with_steps_of_its_own_is_one_type() -> Result<(), TchError> {
    let found = relevance(&Epsilon(1.0))?;
    assert!((found[0] + 0.15).abs() < 1e-12 && (found[1] - 1.95).abs() < 1e-12, "{found:?}");
    Ok(())
}

/// Positive weights of the last layer are (1, 0): all of the 3 goes to the first unit. Its positive weights are (1, 1), of
/// pixels 1 and 2: a third for the first of them, and two for the second. All of it arrives.
#[test]
fn a_rule_may_compute_a_layer_again_with_other_weights() -> Result<(), TchError> {
    assert_eq!(relevance(&Positive)?, [1.0, 2.0]);
    Ok(())
}

#[test]
fn a_rule_that_does_not_know_fused_operations_has_its_passes_on_the_plain_graph() -> Result<(), TchError> {
    let rule = Epsilon(1e-6);
    let Ok(graph) = load("cifar_resnet18", &Weights::random(3, 5), (Device::Cpu, Kind::Float)) else { return Ok(()) };
    let images = Tensor::f_full([1, 3, 16, 16], 0.5, (Kind::Float, Device::Cpu))?;
    let (own, shared) = (graph.trace_for(&images, &rule)?, graph.trace(&images)?);
    let map = graph.backward(&own, own.logits(), &rule)?;
    assert_eq!(map.size(), images.size());
    if graph.is_lowered() {
        let error = graph.backward(&shared, shared.logits(), &rule).unwrap_err().to_string();
        assert!(error.contains("does not know fused operations"), "{error}");
    }
    Ok(())
}

/// Passes that were proved are kept in caches of users under these names.
#[test]
fn names_of_passes_stay_and_no_two_rules_share_one() {
    let choices = RULES.iter().flat_map(|entry| (entry.choices)());
    let names: Vec<String> = choices.map(|rule| rule.name()).collect();
    assert_eq!(Gradient.name(), "backward");
    assert_eq!(
        names,
        [
            "backward (masked false, rectified false, functions false)",
            "backward (masked false, rectified false, functions true)",
            "backward (masked false, rectified true, functions false)",
            "backward (masked false, rectified true, functions true)",
            "backward (masked true, rectified false, functions false)",
            // The plain gradient.
            "backward",
            "backward (masked true, rectified true, functions false)",
            "backward (masked true, rectified true, functions true)",
            "multipliers (Exact)",
            "multipliers (Captum)",
            "multipliers (CaptumPatched)",
        ]
    );
}

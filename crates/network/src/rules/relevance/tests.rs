//! Rules against vectors that are worked out by hand, and identities on whole networks.

use std::rc::Rc;

use tch::{Device, Kind, TchError, Tensor};

use super::*;
use crate::Weights;
use crate::graph::{Graph, Images, Node, Operation, Shape};
use crate::models::load;
use crate::operations::{Linear, Reshape};

/// Two pixels 2 and -1, and a layer of the weights [[1, 1], [0.5, -2]].
fn layer(bias: [f64; 2]) -> Result<Graph, TchError> {
    let weight = Tensor::f_from_slice(&[1.0, 1.0, 0.5, -2.0])?.f_view([2, 2])?;
    let linear = Linear { weight, bias: Some(Tensor::f_from_slice(&bias)?) };
    let operations: [Rc<dyn Operation>; 3] = [Rc::new(Images), Rc::new(Reshape::flat()), Rc::new(linear)];
    let node = |(id, operation): (usize, Rc<dyn Operation>)| Node {
        name: id.to_string(),
        operation,
        inputs: id.checked_sub(1).into_iter().collect(),
    };
    let nodes = operations.into_iter().enumerate().map(node).collect();
    Ok(Graph::new(nodes, Shape { channels: 1, classes: 2, size: None, narrow: None }))
}

/// Relevance of the pixels by the rule `text`, where that of the outputs is their value times `m`.
fn relevance(text: &str, with_bias: bool, bias: [f64; 2], m: [f64; 2]) -> Result<[f64; 2], TchError> {
    let graph = layer(bias)?;
    let rule = layer_rule(text).map_err(TchError::Shape)?;
    let rule = Relevance { layers: vec![(Pattern::All, rule)], with_bias, attentions: Attentions::Constant };
    let trace = graph.trace_for(&Tensor::f_from_slice(&[2.0, -1.0])?.f_view([1, 1, 1, 2])?, &rule)?;
    let seed = Tensor::f_from_slice(&m)?.f_view([1, 2])?;
    let found = graph.backward(&trace, &seed, &rule)?.f_view([2])?;
    Ok([found.f_double_value(&[0])?, found.f_double_value(&[1])?])
}

/// With biases 0.5 and 0 the outputs are 1.5 and 3. As an example, z+: the positive terms of the outputs are 2 + 0.5 and 1 + 2, so
/// that the first pixel gets 2 (1.5 / 2.5) + 1 (3 / 3) = 2.2 and the second 2 (3 / 3) = 2.
#[test]
fn each_rule_gives_what_its_formula_gives_by_hand() -> Result<(), TchError> {
    let table = [
        ("epsilon 0", true, [3.0, 1.0]),
        ("epsilon 0", false, [4.0, 0.5]),
        ("epsilon 0.25", true, [2.637_363, 0.989_011]),
        ("z_plus", true, [2.2, 2.0]),
        ("z_plus", false, [2.5, 2.0]),
        ("alpha_beta", true, [4.4, 2.5]),
        ("flat", true, [2.25, 2.25]),
        ("w_square", true, [0.843_137, 3.490_196]),
        ("w_square", false, [0.926_471, 3.573_529]),
        ("z_box -1 2", true, [2.1, 2.4]),
        ("gamma", true, [2.764_706, 1.294_118]),
        ("gamma", false, [3.5, 1.0]),
    ];
    for (rule, with_bias, expected) in table {
        let found = relevance(rule, with_bias, [0.5, 0.0], [1.0, 1.0])?;
        let fits = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5);
        assert!(fits, "{rule}, bias {with_bias}: {found:?}, expected {expected:?}");
    }
    Ok(())
}

/// With biases -3 and 0 the outputs are -2 and 3; a relevance of 1 for the first alone is a multiplier of -1/2.
#[test]
fn rules_hold_for_outputs_below_zero_too() -> Result<(), TchError> {
    let table = [
        ("epsilon 0", [-1.0, 0.5]),
        ("z_plus", [1.0, 0.0]),
        ("gamma", [-2.0 / 3.0, 0.416_667]),
        ("alpha_beta", [2.0, -0.25]),
    ];
    for (rule, expected) in table {
        let found = relevance(rule, true, [-3.0, 0.0], [-0.5, 0.0])?;
        let fits = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5);
        assert!(fits, "{rule}: {found:?}, expected {expected:?}");
    }
    Ok(())
}

fn images() -> Tensor {
    (Tensor::arange(2 * 3 * 32 * 32, (Kind::Double, Device::Cpu)) * 0.37).sin().view([2, 3, 32, 32])
}

fn of(graph: &Graph, name: &str, with_bias: Option<bool>, epsilon: f64) -> (Tensor, Tensor) {
    let numbers = Numbers { epsilon, gamma: 0.25, pixels: (-1.0, 1.0) };
    let (layers, default) = composite(name, numbers).unwrap();
    let rule = Relevance { layers, with_bias: with_bias.unwrap_or(default), attentions: Attentions::Constant };
    let graph = graph.canonical().unwrap();
    let trace = graph.trace_for(&images(), &rule).unwrap();
    let seed = graph.select(trace.logits(), &Tensor::from_slice(&[1_i64, 2])).unwrap();
    let logits = (trace.logits() * &seed).sum_dim_intlist([1_i64].as_slice(), false, Kind::Double);
    (graph.backward(&trace, &seed, &rule).unwrap(), logits)
}

/// Montavon et al. 2019: on a network of ReLUs, with an epsilon of nearly nothing.
#[test]
fn the_epsilon_rule_everywhere_is_the_image_times_its_gradient() {
    for name in ["resnet18", "vgg11_bn", "densenet121"] {
        let graph = load(name, &Weights::random(3, 5), (Device::Cpu, Kind::Double)).unwrap();
        let (map, _) = of(&graph, "epsilon", None, 1e-14);
        let trace = graph.trace(&images()).unwrap();
        let seed = graph.select(trace.logits(), &Tensor::from_slice(&[1_i64, 2])).unwrap();
        let product = graph.backward(&trace, &seed, &crate::Gradient).unwrap() * images();
        let error = ((map - &product).abs().max() / product.abs().max()).double_value(&[]);
        assert!(error < 1e-6, "{name}: {error}");
    }
}

#[test]
fn without_biases_all_of_the_logit_arrives_at_the_pixels() {
    for name in ["resnet18", "vgg11_bn"] {
        let graph = load(name, &Weights::random(3, 5), (Device::Cpu, Kind::Double)).unwrap();
        for composite in ["epsilon_plus", "epsilon_plus_flat", "epsilon_gamma_box", "excitation_backprop"] {
            let (map, logits) = of(&graph, composite, Some(false), 1e-6);
            let sums = map.sum_dim_intlist([1_i64, 2, 3].as_slice(), false, Kind::Double);
            let error = ((sums - &logits) / &logits).abs().max().double_value(&[]);
            assert!(error < 0.01, "{composite} on {name}: {error}");
        }
    }
}

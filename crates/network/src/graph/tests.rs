//! `DeepLIFT`'s rules on graphs so small that the numbers can be worked out by hand.

use std::rc::Rc;

use sweep::semantics::Semantics;
use tch::{Kind, TchError, Tensor};

use super::{Graph, Images, Node, Operation, Shape};
use crate::operations::{Arithmetic, Function, MaxPool, Relu, Reshape};

/// A graph of one operation over the images, whose values are the logits.
fn graph_of(operation: impl Operation + 'static, inputs: usize) -> Graph {
    let node = |name: &str, operation: Rc<dyn Operation>, inputs: &[usize]| Node {
        name: name.to_owned(),
        operation,
        inputs: inputs.to_vec(),
    };
    let nodes = vec![
        node("input", Rc::new(Images), &[]),
        node("operation", Rc::new(operation), &vec![0; inputs]),
        node("flatten", Rc::new(Reshape::flat()), &[1]),
    ];
    Graph::new(nodes, Shape { channels: 1, classes: 1, size: None, narrow: None })
}

/// Multipliers of `x` against `baseline`, both one row of pixels, for the sum of all logits; and what
/// the logits' sum changes by.
fn multipliers(graph: &Graph, x: &[f64], baseline: &[f64], semantics: Semantics) -> Result<(Vec<f64>, f64), TchError> {
    let row = |values: &[f64]| Tensor::f_from_slice(values)?.f_view([1, 1, 1, -1]);
    let (here, there) = (graph.trace_values(&row(x)?)?, graph.trace_values(&row(baseline)?)?);
    let multipliers = graph.multipliers(&here, &there, &here.logits().f_ones_like()?, semantics)?;
    let change = here.logits().f_sub(there.logits())?.f_sum(Kind::Double)?.f_double_value(&[])?;
    let mut values = vec![0.0; x.len()];
    multipliers.f_contiguous()?.f_copy_data(&mut values, x.len())?;
    Ok((values, change))
}

const POOL: MaxPool = MaxPool { kernel: [1, 3], stride: [1, 1], padding: [0, 0], dilation: [1, 1], ceil: false };

/// Windows of three: (0, 3, 0), (3, 0, 0) and (0, 0, 1). Two are won by the 3, which rose by 3, and
/// changed by 3 each: 2 for each unit. Captum assigns one share over the other, and has 1.
#[test]
fn the_winner_of_overlapping_windows_gets_the_share_of_each() -> Result<(), TchError> {
    let graph = graph_of(POOL, 1);
    let (found, change) = multipliers(&graph, &[0.0, 3.0, 0.0, 0.0, 1.0], &[0.0; 5], Semantics::Exact)?;
    assert_eq!(found, [0.0, 2.0, 0.0, 0.0, 1.0]);
    assert_eq!(change, 2.0 * 3.0 + 1.0);
    Ok(())
}

/// The only window falls from 4, which the baseline has at its second pixel, to 2: that pixel fell by 3.
#[test]
fn a_window_that_falls_owes_it_to_the_winner_of_the_baseline() -> Result<(), TchError> {
    let graph = graph_of(POOL, 1);
    let (found, change) = multipliers(&graph, &[2.0, 1.0, 0.0], &[0.0, 4.0, 0.0], Semantics::Exact)?;
    assert_eq!(change, -2.0);
    assert_eq!(found[1], -2.0 / -3.0);
    let explained = found[0] * 2.0 + found[1] * -3.0;
    assert!((explained - change).abs() < 1e-12, "{found:?}");
    Ok(())
}

/// f = x x, from 1 to 3: a product's change is shared equally, so each factor has (3 + 1) / 2.
#[test]
fn both_factors_of_a_product_share_its_change() -> Result<(), TchError> {
    let product = graph_of(Arithmetic::Multiply, 2);
    assert_eq!(multipliers(&product, &[3.0], &[1.0], Semantics::Exact)?, (vec![4.0], 8.0));
    // Captum has no rule for products: the slope at x is 2 x = 6.
    assert_eq!(multipliers(&product, &[3.0], &[1.0], Semantics::Captum)?.0, [6.0]);
    Ok(())
}

/// Multipliers times the change of the input are the change of the output, function by function.
#[test]
fn every_elementwise_function_is_complete() -> Result<(), TchError> {
    let functions = [
        Function::Gelu { exact: true },
        Function::Gelu { exact: false },
        Function::Silu,
        Function::Sigmoid,
        Function::Tanh,
        Function::Elu { alpha: 0.7 },
        Function::LeakyRelu { slope: 0.1 },
        Function::Softplus { beta: 2.0, threshold: 20.0 },
        Function::Hardtanh { least: 0.0, most: 6.0 },
        Function::Hardswish,
        Function::Hardsigmoid,
        Function::Mish,
        Function::Exp,
        Function::Abs,
        Function::Power { exponent: 2.0 },
    ];
    let (x, baseline) = ([-3.5, -0.2, 0.4, 2.0, 7.0], [0.5, -0.1, -1.0, 2.0, -2.0]);
    for function in functions {
        let (found, change) = multipliers(&graph_of(function, 1), &x, &baseline, Semantics::Exact)?;
        let explained: f64 = found.iter().zip(x.iter().zip(baseline)).map(|(m, (x, b))| m * (x - b)).sum();
        assert!((explained - change).abs() < 1e-9, "{function:?}: {explained} of {change}");
        // The fourth pixel did not change: its multiplier is the slope there, by finite differences.
        let at = |value: f64| -> Result<f64, TchError> {
            Ok(multipliers(&graph_of(function, 1), &[value], &[0.0], Semantics::Exact)?.1)
        };
        let slope = (at(2.0 + 1e-6)? - at(2.0 - 1e-6)?) / 2e-6;
        assert!((found[3] - slope).abs() < 1e-6, "{function:?}: {} at a slope of {slope}", found[3]);
    }
    Ok(())
}

/// Captum hooks modules: a ReLU that is called as a function keeps its slope, 1 where x is positive.
#[test]
fn a_functional_relu_is_rescaled_but_for_captum() -> Result<(), TchError> {
    let cases = [
        (true, Semantics::Captum, 1.0),
        (true, Semantics::CaptumPatched, 0.5),
        (true, Semantics::Exact, 0.5),
        (false, Semantics::Captum, 0.5),
    ];
    for (functional, semantics, expected) in cases {
        // From -2 to 2 the output rises by 2: half of the change of the input.
        let (found, _) = multipliers(&graph_of(Relu { functional }, 1), &[2.0], &[-2.0], semantics)?;
        assert_eq!(found, [expected], "functional {functional}, {semantics:?}");
    }
    Ok(())
}

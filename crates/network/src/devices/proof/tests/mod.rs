//! A lowered graph that is wrong for some number of images, forward or backward alone, is taken out of use before a pass counts.

mod shared;
mod windows;
mod wrong;

use std::rc::Rc;

use sweep::computed_by::Path;
use sweep::semantics::Semantics;

use self::wrong::{Step, Wrong};
use super::*;
use crate::Weights;
use crate::models::load;
use crate::rules::ReluRule;

/// A network for small images, of which the fifth operation is wrong; `None` where no kernels of ours run.
fn wrong(rows: i64, step: Step) -> Option<Graph> {
    let mut graph = load("cifar_resnet18", &Weights::random(3, 5), (Device::Cpu, Kind::Float)).ok()?;
    let lowered = graph.lowered.as_mut()?;
    let node = &mut lowered.graph.nodes[4];
    node.operation = Rc::new(Wrong { right: Rc::clone(&node.operation), rows, step });
    Some(graph)
}

fn images(n: i64) -> Tensor {
    wave(&[n, 3, 16, 16]).unwrap().roll([5], [3])
}

/// The error of `act`, after which the graph is plain.
fn disproof<T: std::fmt::Debug>(graph: &Graph, act: impl Fn() -> Result<T, TchError>) -> String {
    assert_eq!(graph.path(), Path::Lowered);
    let error = act().unwrap_err();
    assert!(Graph::is_disproof(&error), "{error}");
    assert_eq!((graph.path(), graph.is_lowered()), (Path::Plain, false));
    act().unwrap();
    graph.disproof().unwrap()
}

#[test]
fn what_is_wrong_for_one_number_of_images_is_found_before_its_first_pass_counts() {
    let Some(graph) = wrong(7, Step::Forward) else { return };
    let _ = graph.forward(&images(6)).unwrap();
    graph.trace(&images(6)).unwrap();
    let reason = disproof(&graph, || graph.forward(&images(7)));
    assert!(
        reason.contains(
            "(forward 7 16x16: they disagree with plain operations: logits of 1 of 7 images, the first at 6, "
        ),
        "{reason}"
    );
    assert!(graph.forward(&images(7)).unwrap().equal(graph.outline(&images(7)).unwrap().logits()));
    assert_eq!(graph.proved(), ["forward 6 16x16", "forward (traced) 6 16x16"]);
    assert!(graph.proved().is_empty());
}

/// A pass backward of seven images, and another one by `DeepLIFT`'s rule.
fn explained(graph: &Graph) -> (Result<Tensor, TchError>, Result<Tensor, TchError>) {
    let (trace, values) = (graph.trace(&images(7)).unwrap(), graph.trace_values(&images(7)).unwrap());
    let seed = graph.select(trace.logits(), &trace.logits().argmax(1, false)).unwrap();
    let there = graph.trace_reference(&(images(1) * 0.0), 7).unwrap();
    (graph.backward(&trace, &seed, &Gradient), graph.multipliers(&values, &there, &seed, Semantics::Exact))
}

#[test]
fn what_is_wrong_backward_alone_is_found_with_all_logits_right() {
    let Some(graph) = wrong(7, Step::Backward) else { return };
    let reason = explained(&graph).0.unwrap_err().to_string();
    assert!(
        reason.contains("backward 7 16x16: they disagree with plain operations: maps of 1 of 7 images"),
        "{reason}"
    );
    let Some(graph) = wrong(7, Step::Multipliers) else { return };
    let (gradient, multipliers) = explained(&graph);
    let reason = multipliers.unwrap_err().to_string();
    assert!(reason.contains("multipliers (Exact) 7 16x16: they disagree with plain operations: maps of 1"), "{reason}");
    assert!(gradient.is_ok() && graph.path() == Path::Plain);
    assert!(explained(&graph).1.is_ok(), "the same again, by the plain graph");
}

/// Predictions are not to take the memory of what only gradients make of the weights.
#[test]
fn a_pass_forward_proves_nothing_backward() {
    let Ok(graph) = load("cifar_resnet18", &Weights::random(3, 5), (Device::Cpu, Kind::Float)) else { return };
    let _ = graph.trace(&images(3)).unwrap();
    assert!(!graph.forget());
}

#[test]
fn other_rules_and_captums_multipliers_are_proved_before_they_are_used() {
    let both = [(Step::Rectified, "backward (masked true, rectified true"), (Step::Captum, "multipliers (Captum)")];
    for (step, name) in both {
        let Some(graph) = wrong(7, step) else { return };
        assert!(matches!(explained(&graph), (Ok(_), Ok(_))));
        let (trace, values) = (graph.trace(&images(7)).unwrap(), graph.trace_values(&images(7)).unwrap());
        let seed = graph.select(trace.logits(), &trace.logits().argmax(1, false)).unwrap();
        let there = graph.trace_reference(&(images(1) * 0.0), 7).unwrap();
        let rule = ReluRule::guided(true);
        let error = if step == Step::Rectified {
            graph.backward(&trace, &seed, &rule).unwrap_err()
        } else {
            graph.multipliers(&values, &there, &seed, Semantics::Captum).unwrap_err()
        };
        assert!(Graph::is_disproof(&error) && error.to_string().contains(name), "{error}");
    }
}

/// Sums of gradients go through the first convolution with other rows than any pass has.
#[test]
fn the_stem_is_proved_for_its_own_rows() {
    let Some(mut graph) = wrong(3, Step::Stem) else { return };
    let lowered = graph.lowered.as_mut().unwrap();
    let right = Rc::clone(&lowered.graph.nodes[1].operation);
    lowered.graph.nodes[1].operation = Rc::new(Wrong { right, rows: 3, step: Step::Stem });
    let trace = graph.trace(&images(6)).unwrap();
    let seed = graph.select(trace.logits(), &trace.logits().argmax(1, false)).unwrap();
    let sums = graph.backward_to_stem(&trace, &seed, &Gradient).unwrap();
    let of = |rows: i64| graph.through_stem(&sums.narrow(0, 0, rows).copy(), [16; 2]);
    let _ = of(4).unwrap();
    let error = of(3).unwrap_err().to_string();
    assert!(error.contains("stem 3 16x16: they disagree with plain operations: rows of 1 of 3"), "{error}");
    assert_eq!(graph.path(), Path::Plain);
}

/// The first one of large images is the only one that is computed operation by operation.
#[test]
fn large_images_are_told_apart_row_by_row_and_a_single_one_is_proved_too() {
    for (rows, told) in
        [(3, "logits of 1 of 3 images, the first at 2,"), (1, "logits of 1 of 1 images, the first at 0,")]
    {
        let Some(graph) = wrong(rows, Step::Forward) else { return };
        let large = wave(&[3, 3, 96, 80]).unwrap();
        let error = graph.forward(&large).unwrap_err();
        assert!(Graph::is_disproof(&error) && error.to_string().contains(told), "{error}");
    }
    let Some(graph) = wrong(3, Step::Backward) else { return };
    let trace = graph.trace(&wave(&[3, 3, 96, 80]).unwrap()).unwrap();
    let seed = graph.select(trace.logits(), &trace.logits().argmax(1, false)).unwrap();
    let error = graph.backward(&trace, &seed, &Gradient).unwrap_err().to_string();
    assert!(error.contains("backward 3 96x80: they disagree with plain operations: maps of 1 of 3"), "{error}");
}

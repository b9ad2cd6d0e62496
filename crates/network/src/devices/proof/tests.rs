//! A lowered graph that is wrong for some number of images, forward or backward alone, is taken out of use before a pass counts.

use std::rc::Rc;

use sweep::semantics::Semantics;

use sweep::computed_by::Path;

use super::*;
use crate::graph::{Compared, Gate, Gated, How, Kept, Local, Operation, Pair, Reach, Stem, Sum};
use crate::models::load;
use crate::rules::ReluRule;
use crate::{SharedProofs, Weights};

/// An operation that spoils the last of `rows` images, and leaves all others alone.
#[derive(Debug)]
struct Wrong {
    right: Rc<dyn Operation>,
    rows: i64,
    /// Where.
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Forward,
    Backward,
    Multipliers,
    Inside,
    Stem,
    Rectified,
    Captum,
}

impl Wrong {
    fn spoilt(&self, values: Tensor, step: Step) -> Result<Tensor, TchError> {
        if step != self.step || values.size()[0] != self.rows {
            return Ok(values);
        }
        let _ = values.f_select(0, self.rows - 1)?.f_mul_scalar_(1.5)?;
        Ok(values)
    }

    fn added(&self, sums: &mut [Sum], mut gradients: Vec<Tensor>, step: Step) -> Result<(), TchError> {
        let first = gradients.remove(0);
        gradients.insert(0, self.spoilt(first.f_mul_scalar(1.0)?, step)?);
        Sum::add_each(sums, gradients)
    }
}

impl Operation for Wrong {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let (value, kept) = self.right.run(inputs, how)?;
        Ok((self.spoilt(value, Step::Forward)?, kept))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        self.right.backward(kept, gradient)
    }

    fn gated(&self) -> Option<&dyn Gated> {
        self.right.gated().map(|_| self as &dyn Gated)
    }

    fn compared(&self) -> Option<&dyn Compared> {
        self.right.compared().map(|_| self as &dyn Compared)
    }

    fn local(&self) -> Option<&dyn Local> {
        self.right.local().map(|_| self as &dyn Local)
    }

    fn stem(&self) -> Option<&dyn Stem> {
        self.right.stem().map(|_| self as &dyn Stem)
    }
}

impl Gated for Wrong {
    fn is_functional(&self) -> bool {
        self.right.gated().unwrap().is_functional()
    }

    fn backward_by(&self, gate: Gate, kept: &Kept, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        let step = if gate.rectified { Step::Rectified } else { Step::Backward };
        let right =
            Sum::of_each(sums.len(), |sums| self.right.gated().unwrap().backward_by(gate, kept, gradient, sums))?;
        self.added(sums, right, step)
    }
}

impl Compared for Wrong {
    fn multipliers(&self, pair: &Pair<'_>, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        self.right.compared().unwrap().multipliers(pair, gradient)
    }

    fn multipliers_onto(&self, pair: &Pair<'_>, gradient: &Tensor, sums: &mut [Sum]) -> Result<(), TchError> {
        let step = if pair.captum { Step::Captum } else { Step::Multipliers };
        self.added(sums, self.multipliers(pair, gradient)?, step)
    }

    fn reads_values(&self) -> bool {
        self.right.compared().unwrap().reads_values()
    }
}

impl Local for Wrong {
    fn reach(&self, input: usize) -> Reach {
        self.right.reach_of(input)
    }

    fn run_inside(&self, inputs: &[&Tensor]) -> Result<Tensor, TchError> {
        self.spoilt(self.right.local().unwrap().run_inside(inputs)?, Step::Inside)
    }
}

impl Stem for Wrong {
    fn before_linear(&self, gate: Gate, kept: &Kept, gradient: &Tensor) -> Result<Tensor, TchError> {
        self.right.stem().unwrap().before_linear(gate, kept, gradient)
    }

    fn linear_part(&self, gradient: &Tensor, size: [i64; 2]) -> Result<Tensor, TchError> {
        self.spoilt(self.right.stem().unwrap().linear_part(gradient, size)?, Step::Stem)
    }
}

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

#[test]
fn windows_are_proved_by_their_number_and_size() {
    let Some(graph) = wrong(6, Step::Inside) else { return };
    let clean = graph.clean(&images(1)).unwrap();
    let made = |count: i64| {
        let pixels = || images(1).narrow(2, 0, 2).narrow(3, 0, 2).copy();
        (0..count).map(|at| Replacement { image: 0, top: 7, left: 5 + at, pixels: pixels() }).collect::<Vec<_>>()
    };
    let _ = graph.changed(&clean, &made(5)).unwrap();
    let error = graph.changed(&clean, &made(6)).unwrap_err();
    assert!(error.to_string().contains("windows 6 of 2x2 in 16x16 ("), "{error}");
}

/// Nine windows of 128 px are more than the plain graph computes.
#[test]
fn windows_of_large_images_are_proved_once_for_their_number_and_sizes_wherever_they_are() {
    let large = || wave(&[1, 3, 128, 128]).unwrap();
    let made = |count: i64, top: i64, down: i64| {
        let pixels = || large().narrow(2, 0, down).narrow(3, 0, 8).copy();
        (0..count).map(|at| Replacement { image: 0, top, left: 10 + 11 * at, pixels: pixels() }).collect::<Vec<_>>()
    };
    let Some(graph) = wrong(10, Step::Inside) else { return };
    let clean = graph.clean(&large()).unwrap();
    let _ = graph.proved();
    let change = |made: &[Replacement]| graph.changed(&clean, made);
    let (_, again) = (change(&made(9, 40, 8)).unwrap(), change(&made(9, 71, 8)).unwrap());
    let proved = graph.proved();
    assert!(matches!(&proved[..], [one] if one.starts_with("windows 9 of 8x8 in 128x128 (")), "{proved:?}");
    let _ = change(&made(9, 40, 9)).unwrap();
    assert_eq!(graph.proved().len(), 1, "another size");
    let error = change(&made(10, 40, 8)).unwrap_err().to_string();
    assert!(error.contains("windows 10 of 8x8 in 128x128 ("), "{error}");
    // What needed no proof was right all the same: now the graph is plain.
    assert_eq!(graph.path(), Path::Plain);
    let expected = graph.changed(&graph.clean(&large()).unwrap(), &made(9, 71, 8)).unwrap();
    let [off, peak] = [(again - &expected).abs().max(), expected.abs().max()].map(|value| value.double_value(&[]));
    assert!(off < 1e-4 * peak, "off by {off} of {peak}");
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

#[test]
fn what_was_proved_before_is_not_proved_again() {
    let Some(graph) = wrong(7, Step::Forward) else { return };
    graph.trust(["forward 7 16x16".to_owned()]);
    let _ = graph.forward(&images(7)).unwrap();
    assert!(graph.disproof().is_none() && graph.proved().is_empty());
    assert!(graph.proving().is_zero());
}

#[test]
fn the_same_model_elsewhere_agrees_and_another_one_does_not() {
    let of = |name: &str, kind| load(name, &Weights::random(3, 5), (Device::Cpu, kind)).unwrap();
    let graph = of("cifar_resnet18", Kind::Float);
    assert_eq!(graph.differs_from(&graph, [16; 2], Device::Cpu, 24).unwrap(), None);
    // Other random weights.
    let other = of("cifar_resnet18", Kind::Float);
    assert!(graph.differs_from(&other, [16; 2], Device::Cpu, 8).unwrap().unwrap().starts_with("logits of "));
}

/// Proofs of all graphs of a test, and how many of them hold a turn.
#[derive(Clone, Debug, Default)]
struct Shelf {
    proved: Rc<RefCell<Vec<String>>>,
    turns: Rc<Cell<i32>>,
}

impl SharedProofs for Shelf {
    fn begin(&self) -> Vec<String> {
        self.turns.set(self.turns.get() + 1);
        self.proved.borrow().clone()
    }

    fn end(&self, proved: Option<&str>) {
        self.turns.set(self.turns.get() - 1);
        self.proved.borrow_mut().extend(proved.map(str::to_owned));
    }
}

#[test]
fn a_pass_that_another_process_proves_meanwhile_is_not_proved_again() {
    if !crate::computes_in_blocks() {
        return;
    }
    let shelf = Shelf::default();
    let images = wave(&[3, 3, 32, 32]).unwrap();
    let mut after = Vec::new();
    for _ in 0..2 {
        let graph = load("resnet18", &Weights::random(3, 5), (Device::Cpu, Kind::Float)).unwrap();
        graph.share(Box::new(shelf.clone()));
        assert!(graph.forward(&images).unwrap().size() == [3, 5]);
        // What is shared is kept by whoever shares it.
        assert!(graph.proved().is_empty() && graph.is_lowered());
        after.push(shelf.proved.borrow().len());
    }
    assert_eq!((after, shelf.turns.get()), (vec![1, 1], 0));
}

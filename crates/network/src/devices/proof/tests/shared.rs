//! What was proved is not proved again: by this process, another one, on another device.

use std::rc::Rc;

use super::super::*;
use super::wrong::Step;
use super::{images, wrong};
use crate::models::load;
use crate::{SharedProofs, Weights};

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

/// Each of some large images is computed by itself, the first of them by the plain graph too: that is the proof of one image.
#[test]
fn who_proves_passes_of_large_images_has_proved_the_pass_of_one() {
    if !crate::computes_in_blocks() {
        return;
    }
    let graph = load("cifar_resnet18", &Weights::random(3, 5), (Device::Cpu, Kind::Float)).unwrap();
    let _ = graph.forward(&wave(&[3, 3, 96, 80]).unwrap()).unwrap();
    assert_eq!(graph.proved(), ["forward 1 96x80", "forward 3 96x80"]);
    let spent = graph.proving();
    let _ = graph.forward(&wave(&[1, 3, 96, 80]).unwrap()).unwrap();
    assert_eq!((graph.proving(), graph.proved().len()), (spent, 0));
    // Small ones are computed at once, and say nothing of one.
    let _ = graph.forward(&wave(&[3, 3, 16, 16]).unwrap()).unwrap();
    assert_eq!(graph.proved(), ["forward 3 16x16"]);
}

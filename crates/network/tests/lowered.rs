//! The lowered graph against the plain one, operation by operation: the same bits forward, the same gradients,
//! and logits of changed images from the pass of the image as it was.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::sync::{Mutex, PoisonError};

use network::models::{MODELS, load};
use network::rules::RULES;
use network::{Graph, Replacement, Rule, Weights};
use tch::{Device, Kind, Tensor};

/// libtorch has one generator for all tests of a process, which run side by side.
static GENERATOR: Mutex<()> = Mutex::new(());

fn graph(name: &str, kind: Kind) -> Graph {
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(1);
    load(name, &Weights::random(3, 5), (Device::Cpu, kind)).unwrap()
}

fn images(graph: &Graph, n: i64, size: i64, kind: Kind) -> Tensor {
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(2);
    let [height, width] = graph.size().unwrap_or([size; 2]);
    (Tensor::rand([n, 3, height, width], (Kind::Double, Device::Cpu)) * 2 - 1).to_kind(kind)
}

fn worst(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[]) / b.abs().max().double_value(&[])
}

/// Every rule without steps of its own, with every choice of what the rule does at a ReLU.
fn rules() -> Vec<Box<dyn Rule>> {
    let choices = RULES.iter().flat_map(|entry| (entry.choices)());
    choices.filter(|rule| rule.steps().is_none()).collect()
}

#[test]
fn convolutional_networks_are_lowered_where_onednn_computes_in_blocks() {
    if !network::computes_in_blocks() {
        return;
    }
    for name in ["resnet18", "cifar_resnet18", "resnet50", "densenet121", "vgg11", "vgg11_bn"] {
        assert!(graph(name, Kind::Float).is_lowered(), "{name}");
        assert!(!graph(name, Kind::Double).is_lowered(), "{name} in double precision");
    }
}

#[test]
fn the_lowered_forward_pass_has_the_bits_of_the_plain_one() {
    for model in MODELS {
        let name = &model.item.name;
        let graph = graph(name, Kind::Float);
        // Sides that strides do not divide, too.
        for size in [32, 45] {
            let images = images(&graph, 3, size, Kind::Float);
            let (plain, lowered) = (graph.outline(&images).unwrap(), graph.forward(&images).unwrap());
            // Matrix products inside of a network differ in their last bits with what they share memory with.
            let error = worst(&lowered, plain.logits());
            assert!(lowered.equal(plain.logits()) || (!graph.is_lowered() && error < 1e-5), "{name} {size}: {error}");
        }
    }
}

#[test]
fn every_rule_gives_the_gradient_of_the_plain_graph() {
    for model in MODELS {
        let name = &model.item.name;
        let graph = graph(name, Kind::Float);
        if !graph.is_lowered() {
            continue;
        }
        for size in [32, 45] {
            let images = images(&graph, 2, size, Kind::Float);
            let (plain, lowered) = (graph.outline(&images).unwrap(), graph.trace(&images).unwrap());
            let seed = graph.select(plain.logits(), &plain.logits().argmax(1, false)).unwrap();
            for rule in rules() {
                let expected = graph.backward(&plain, &seed, rule.as_ref()).unwrap();
                let error = worst(&graph.backward(&lowered, &seed, rule.as_ref()).unwrap(), &expected);
                assert!(error < 1e-5, "{name} {size}, {rule:?}: {error}");
                let before = graph.backward_to_stem(&lowered, &seed, rule.as_ref()).unwrap();
                let through = graph.through_stem(&before, [images.size()[2], images.size()[3]]).unwrap();
                assert!(worst(&through, &expected) < 1e-5, "{name} {size}, {rule:?}, in two parts");
            }
        }
    }
}

/// Boxes at corners, edges and inside, of one pixel, of several sizes, and as large as the image.
fn boxes(side: i64) -> Vec<[i64; 4]> {
    let (edge, middle) = (side - 5, side / 2);
    vec![
        [0, 0, 1, 1],
        [side - 1, side - 1, 1, 1],
        [0, edge, 5, 5],
        [edge, 0, 5, 5],
        [middle, middle, 7, 3],
        [middle - 3, 2, 4, side - 2],
        [0, 0, side, side],
    ]
}

/// Each box in one of two images, from the pass of both, and by a pass of the changed images.
fn changed_images(graph: &Graph, kind: Kind, size: i64) -> (Tensor, Tensor) {
    let images = images(graph, 2, size, kind);
    let boxes = boxes(images.size()[2]);
    let clean = graph.clean(&images).unwrap();
    assert!(worst(clean.logits().unwrap(), &graph.forward(&images).unwrap()) < 1e-5);
    let pixels = |[_, _, height, width]: [i64; 4]| images.new_full([1, 3, height, width], -0.4, (kind, Device::Cpu));
    let of = |(at, &area): (i64, &[i64; 4])| Replacement {
        image: at % 2,
        top: area[0],
        left: area[1],
        pixels: pixels(area),
    };
    let replacements: Vec<Replacement> = (0..).zip(&boxes).map(of).collect();
    let whole = (0..).zip(&boxes).map(|(at, &area)| {
        let copy = images.narrow(0, at % 2, 1).copy();
        copy.narrow(2, area[0], area[2]).narrow(3, area[1], area[3]).copy_(&pixels(area));
        copy
    });
    let expected = graph.forward(&Tensor::cat(&whole.collect::<Vec<_>>(), 0)).unwrap();
    (graph.changed(&clean, &replacements).unwrap(), expected)
}

#[test]
fn a_change_in_a_box_gives_the_logits_of_the_whole_changed_image() {
    for model in MODELS {
        let name = &model.item.name;
        for (kind, size, tolerance) in [(Kind::Double, 40, 1e-12), (Kind::Float, 40, 1e-5), (Kind::Float, 61, 1e-5)] {
            let graph = graph(name, kind);
            let (found, expected) = changed_images(&graph, kind, size);
            // In single precision a 1x1 convolution sums in an order that depends on the size of its input.
            let error = worst(&found, &expected);
            assert!(error < tolerance, "{name} in {kind:?} at {size} px: {error}");
        }
    }
}

/// Changes of logits are small beside logits. Against double precision, they miss no more than a whole pass does.
#[test]
fn a_change_of_a_logit_is_as_exact_as_two_passes() {
    for name in ["resnet18", "resnet50", "densenet121", "vgg11_bn"] {
        let (single, double) = (graph(name, Kind::Float), graph(name, Kind::Double));
        let logits = |graph: &Graph, kind| {
            let clean = graph.forward(&images(graph, 2, 64, kind)).unwrap();
            let (found, expected) = changed_images(graph, kind, 64);
            let before =
                clean.index_select(0, &Tensor::arange(found.size()[0], (Kind::Int64, Device::Cpu)).remainder(2));
            [found - &before, expected - before].map(|change| change.to_kind(Kind::Double))
        };
        let ([found, passes], [_, exact]) = (logits(&single, Kind::Float), logits(&double, Kind::Double));
        let (error, plain) = (worst(&found, &exact), worst(&passes, &exact));
        assert!(error < 2.0 * plain, "{name}: {error}, two passes {plain}");
    }
}

/// 1x1 convolutions of oneDNN sum in an order that depends on how many pixels they get; nothing else does.
#[test]
fn without_1x1_convolutions_a_change_alone_has_the_bits_of_one_among_others() {
    let graph = graph("vgg11_bn", Kind::Float);
    let images = images(&graph, 1, 64, Kind::Float);
    let clean = graph.clean(&images).unwrap();
    let replacement = |&[top, left, height, width]: &[i64; 4]| {
        let pixels = images.new_full([1, 3, height, width], 0.7, (Kind::Float, Device::Cpu));
        Replacement { image: 0, top, left, pixels }
    };
    let boxes = boxes(64);
    let together = graph.changed(&clean, &boxes.iter().map(replacement).collect::<Vec<_>>()).unwrap();
    for (at, area) in (0..).zip(&boxes) {
        let alone = graph.changed(&clean, &[replacement(area)]).unwrap();
        assert!(alone.equal(&together.narrow(0, at, 1)), "{area:?}: {}", worst(&alone, &together.narrow(0, at, 1)));
    }
}

#[test]
fn a_larger_box_changes_larger_values_up_to_those_of_the_image() {
    for model in MODELS {
        let graph = graph(&model.item.name, Kind::Float);
        let images = images(&graph, 1, 64, Kind::Float);
        let (clean, side) = (graph.clean(&images).unwrap(), images.size()[2]);
        let bytes = |size: i64| {
            let pixels = images.narrow(2, 0, size).narrow(3, 0, size).copy();
            graph.changed_bytes(&clean, &Replacement { image: 0, top: 0, left: 0, pixels })
        };
        let image = (3 * side * side) as usize * size_of::<f32>();
        assert!(bytes(1) <= bytes(8) && bytes(8) <= bytes(side) && bytes(side) >= image / 64, "{}", model.item.name);
    }
}

//! Every method on every model: maps of the right shape, finite, and the same for any batch.

mod common;

use attribution::Known;
use common::{Case, cheap, graph, images, methods_of, slim, worst};
use network::models::MODELS;
use tch::Kind;

#[test]
fn every_method_explains_every_model_whatever_the_batch() {
    every_method_explains(0);
}

/// The other half of the models: the test before alone would take as long as all others together, on one core.
#[test]
fn every_method_explains_every_other_model_whatever_the_batch() {
    every_method_explains(1);
}

/// Every method on every second model of the list, from the model at `first` on.
fn every_method_explains(first: usize) {
    // Narrower registers than the processor's are tried on one network of each family: deeper ones have no other kernels.
    let is_narrower = std::env::var_os("ATTRISWEEP_MAX_CPU_ISA").is_some();
    let deeper = ["resnet34", "resnet101", "densenet201", "vgg16", "vgg16_bn", "vit_b_16"];
    let models = MODELS.iter().filter(|model| !is_narrower || !deeper.contains(&model.item.name.as_ref()));
    for model in models.skip(first).step_by(2) {
        let name = &model.item.name;
        let graph = graph(name, Kind::Float);
        let images = images(&graph, 2, Kind::Float);
        let second = images.narrow(0, 1, 1);
        for method in methods_of(name) {
            let class = &method.item.name;
            let mut parameters = cheap(class, images.size()[2]);
            let each_channel = ["ScoreCAM", "AblationCAM"].contains(&class.as_ref());
            if each_channel && !["lenet", "resnet18", "vit_cifar"].contains(&name.as_ref()) {
                // A pass for each channel, of no other operations than those of the smallest of a family.
                continue;
            }
            let looks_at_a_layer = method.item.parameters.iter().any(|parameter| parameter.name == "layer");
            if looks_at_a_layer && (each_channel || name.starts_with("vit")) {
                // Tokens are no picture: which one is meant must be said.
                parameters["layer"] = slim(name).into();
            }
            let both = Case::of(&graph).attribute(class, &parameters, &images, 16);
            assert_eq!(both.map.size(), images.size(), "{class} on {name}");
            assert_eq!(both.map.isfinite().all().int64_value(&[]), 1, "{class} on {name}");
            assert!(both.map.abs().max().double_value(&[]) > 0.0, "{class} on {name}: nothing but zeros");
            assert_eq!(both.change.is_some(), method.is_complete(), "{class} on {name}");
            let alone = Case { first: 1, ..Case::of(&graph) }.attribute(class, &parameters, &second, 1).map;
            // Matrix products of other batches differ in their last bits, which may flip a ReLU behind them.
            let beside = both.map.narrow(0, 1, 1);
            // Where nothing is positive, what is left after a ReLU is zero, and there is no peak to divide by.
            let error = if alone.abs().max().double_value(&[]) > 0.0 {
                worst(&alone, &beside)
            } else {
                beside.abs().max().double_value(&[])
            };
            assert!(error < 1e-4, "{class} on {name}: {error}");
        }
    }
}

#[test]
fn baselines_that_are_known_give_the_same_bits_as_those_that_are_computed_again() {
    let graph = graph("resnet18", Kind::Float);
    let (images, known) = (images(&graph, 2, Kind::Float), Known::default());
    for method in methods_of("resnet18") {
        let class = &method.item.name;
        let parameters = cheap(class, 32);
        let anew = Case::of(&graph).attribute(class, &parameters, &images, 16);
        for _ in 0..2 {
            let again = Case { known: Some(&known), ..Case::of(&graph) }.attribute(class, &parameters, &images, 16);
            assert_eq!(again.map, anew.map, "{class}");
            assert_eq!(again.change, anew.change, "{class}");
        }
    }
}

#[test]
fn on_residual_and_dense_networks_the_batch_shows_in_the_last_bits_at_most() {
    for name in ["resnet18", "densenet121"] {
        let graph = graph(name, Kind::Float);
        let images = images(&graph, 3, Kind::Float);
        for method in methods_of(name).filter(|method| method.item.parameters.is_empty() || method.is_complete()) {
            let class = &method.item.name;
            let parameters = cheap(class, 32);
            let whole = Case::of(&graph).attribute(class, &parameters, &images, 16).map;
            for first in 0..3 {
                let image = images.narrow(0, first, 1);
                let case = Case { first: first as u64, ..Case::of(&graph) };
                let alone = case.attribute(class, &parameters, &image, 4).map;
                // The forward pass has the same bits, so that no ReLU flips; oneDNN's strided backward kernels
                // split odd batches over two threads in another way.
                let error = worst(&alone, &whole.narrow(0, first, 1));
                assert!(error < 2e-6, "{class} on {name}: {error}");
            }
        }
    }
}

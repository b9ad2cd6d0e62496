//! Maps that do not depend on what is computed beside them, or on how many logits a model has.

use crate::common::{Case, graph, images, methods_of, targets, worst};
use attribution::{Known, METHODS, Origin, Pass, Together};
use network::Weights;
use network::models::load;
use serde_json::json;
use sweep::semantics::Semantics::{self, Exact};
use sweep::variant::{Shared, Variant};
use tch::{Device, Kind, Tensor};

/// 20 samples are the first half of 40, so the other half is what is left; it must be of other draws.
#[test]
fn gradient_shap_with_more_samples_goes_on_where_fewer_stopped() {
    let graph = graph("lenet", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let map = |samples: i64, rows: i64| {
        Case::of(&graph).attribute("GradientShap", &json!({"n_samples": samples, "stdevs": 0.1}), &images, rows).map
    };
    let sum_of = |samples: i64, rows: i64| map(samples, rows) * samples as f64;
    let (third, fourth) = (sum_of(3, 16) - sum_of(2, 16), sum_of(4, 16) - sum_of(3, 16));
    // A sample is what it is whatever comes with it: also when each is computed by itself.
    assert!(worst(&(sum_of(4, 2) - sum_of(3, 2)), &fourth) < 1e-9);
    assert!(worst(&third, &fourth) > 1e-3);
}

/// Noise of 1e-13 moves no pixel of single precision, and makes a line of its own of each sample: gradients are then summed one
/// by one behind the first convolution, and not before it for each baseline.
#[test]
fn gradient_shap_sums_for_each_baseline_what_it_sums_for_each_sample() {
    let graph = graph("resnet18", Kind::Float);
    let images = images(&graph, 3, Kind::Float);
    let map = |stdev: f64, samples: i64, rows: i64| {
        let given = json!({"n_samples": samples, "stdevs": stdev, "n_noise_baselines": 2});
        Case::of(&graph).attribute("GradientShap", &given, &images, rows).map
    };
    for (samples, rows) in [(1, 3), (7, 6), (7, 100)] {
        let (each, lines) = (map(1e-13, samples, rows), map(0.0, samples, rows));
        assert!(worst(&each, &lines) < 1e-5, "{samples} samples");
    }
}

#[test]
fn a_shared_forward_pass_gives_the_maps_of_each_methods_own() {
    let graph = graph("resnet18", Kind::Float);
    let images = images(&graph, 3, Kind::Float);
    let trace = graph.trace(&images).unwrap();
    let mean = images.narrow(0, 0, 1).full_like(0.1);
    let origin = Origin { seed: 7, dataset: ("set", "test"), first: 0, chosen: None, mean: Some(&mean), known: None };
    let shared = Pass::predicted(&graph, images.shallow_clone(), trace, 16, origin).unwrap();
    for entry in methods_of("resnet18") {
        let given = serde_json::from_value::<sweep::parameters::Parameters>(crate::common::cheap(&entry.item.name, 32))
            .unwrap();
        let checked = given.checked(&entry.item.parameters).unwrap();
        let method = attribution::build(&entry.item.name, &checked, Semantics::Exact).unwrap();
        let own = Case::of(&graph).maps(&entry.item.name, &crate::common::cheap(&entry.item.name, 32), &images);
        assert!(method.attribute(&shared).unwrap().map.equal(&own), "{}", entry.item.name);
    }
}

/// Methods that take the size of the gradient, pass on what is positive of it, or know no sign: all others turn with the sign.
const RECTIFIED: [&str; 13] = [
    "Saliency",
    "GuidedBackprop",
    "Deconvolution",
    "LayerGradCam",
    "GuidedGradCam",
    "GradCAMPlusPlus",
    "LayerCAM",
    "GradCAMElementWise",
    "EigenCAM",
    "FullGrad",
    "ScoreCAM",
    "AblationCAM",
    // Probabilities of both classes sum to one.
    "RISE",
];

/// Passes of the first batch, of later ones, and of those whose logits are known: the images' own pass, those of baselines,
/// and of points on lines, of which all three fit into one pass.
#[test]
fn no_forward_pass_is_made_twice_and_none_for_nothing() {
    let graph = graph("resnet18", Kind::Float);
    let images = images(&graph, 2, Kind::Float);
    let table = [
        ("DeepLift", json!({}), [2, 1, 1]),
        // Six baselines: zero, the mean, and four of noise.
        ("DeepLiftShap", json!({"n_noise_baselines": 4}), [7, 1, 1]),
        ("IntegratedGradients", json!({"n_steps": 3}), [3, 2, 1]),
        ("GradientShap", json!({"n_samples": 3, "n_noise_baselines": 2}), [6, 2, 1]),
    ];
    for (class, given, passes) in table {
        let known = Known::default();
        let anew = Case::of(&graph).attribute(class, &given, &images, 16);
        for (batch, (predicted, expected)) in [false, false, true].into_iter().zip(passes).enumerate() {
            let case = Case { known: Some(&known), predicted, ..Case::of(&graph) };
            let (found, passes) = case.counted(class, &given, &images);
            assert_eq!(passes, expected, "{class}, batch {batch}");
            assert_eq!(
                (found.map, found.change),
                (anew.map.shallow_clone(), anew.change.as_ref().map(Tensor::shallow_clone))
            );
        }
        assert_eq!(known.begin(false), class.starts_with("Deep"), "{class}");
        if class.starts_with("Deep") {
            // Where nothing is to be kept, passes of baselines are made for each batch.
            let case = Case { known: Some(&known), ..Case::of(&graph) };
            assert_eq!([(); 2].map(|()| case.counted(class, &given, &images).1), [passes[0]; 2], "{class}");
        }
    }
}

/// A pass of one image does not stand for that of several where an image has several rows on the way.
#[test]
fn known_baselines_serve_batches_of_every_size() {
    for name in ["vit_cifar", "cifar_resnet18"] {
        let graph = graph(name, Kind::Float);
        let (all, known) = (images(&graph, 3, Kind::Float), Known::default());
        for count in [1, 3, 2, 3, 1] {
            let some = all.narrow(0, 0, count);
            let again = Case { known: Some(&known), ..Case::of(&graph) }.maps("DeepLift", &json!({}), &some);
            assert_eq!(again, Case::of(&graph).maps("DeepLift", &json!({}), &some), "{count} images on {name}");
        }
    }
}

#[test]
fn of_one_logit_the_map_of_the_other_class_is_that_of_the_logit_with_the_other_sign() {
    let graph = load("lenet", &Weights::random(3, 1), (Device::Cpu, Kind::Double)).unwrap();
    let images = images(&graph, 2, Kind::Double);
    let mean = images.narrow(0, 0, 1).full_like(0.1);
    for entry in methods_of("lenet") {
        let name = &*entry.item.name;
        let given = match name {
            // Of its own accord it takes Saliency.
            "NoiseTunnel" => json!({"nt_samples": 2, "stdevs": 0.1, "attribution_method": "InputXGradient"}),
            _ => crate::common::cheap(name, images.size()[3]),
        };
        let given = serde_json::from_value::<sweep::parameters::Parameters>(given);
        let method = attribution::build(name, &given.unwrap().checked(&entry.item.parameters).unwrap(), Exact).unwrap();
        let of = |class: i64| {
            let origin =
                Origin { seed: 7, dataset: ("set", "test"), first: 0, chosen: None, mean: Some(&mean), known: None };
            let targets = Tensor::full([2], class, (Kind::Int64, Device::Cpu));
            method.attribute(&Pass::new(&graph, images.shallow_clone(), targets, 16, origin)).unwrap()
        };
        let [there, absent] = [of(1), of(0)];
        let turns = worst(&-&absent.map, &there.map) < 1e-9;
        assert_eq!(turns, !RECTIFIED.contains(&name), "{name}");
        if let (Some(there), Some(absent)) = (there.change, absent.change) {
            assert!(worst(&-absent, &there) < 1e-9, "{name}");
        }
    }
}

/// A variant that is met on the way to another gives the maps that it gives alone, to the bit.
#[test]
fn variants_that_are_computed_together_are_those_that_each_gives_alone() {
    let graph = graph("resnet18", Kind::Float);
    let images = images(&graph, 2, Kind::Float);
    let mut found = 0;
    for entry in METHODS {
        let Some(parameter) = entry.prefix else { continue };
        let variants: Vec<Variant> = [3, 7, 4].iter().map(|value| variant(entry, parameter, *value)).collect();
        let parts = Together::of(variants.iter()).unwrap();
        assert_eq!(parts.len(), 1, "{}", entry.item.name);
        let mean = images.narrow(0, 0, 1).full_like(0.1);
        let origin =
            Origin { seed: 7, dataset: ("set", "test"), first: 0, chosen: None, mean: Some(&mean), known: None };
        let pass = Pass::new(&graph, images.shallow_clone(), targets(&graph, &images), 16, origin);
        let together = parts[0].attribute(&pass).unwrap();
        for (variant, attribution) in parts[0].variants.iter().zip(&together) {
            let given = serde_json::to_value(&variant.parameters).unwrap();
            let alone = Case::of(&graph).attribute(&entry.item.name, &given, &images, 16);
            assert!(attribution.map.equal(&alone.map), "{}", variant.key);
            assert_eq!(attribution.change, alone.change, "{}", variant.key);
            found += 1;
        }
    }
    assert!(found > 0);
}

fn variant(entry: &attribution::Entry, parameter: &str, value: i64) -> Variant {
    let given: sweep::parameters::Parameters = serde_json::from_value(json!({parameter: value})).unwrap();
    Variant {
        key: format!("{}_{parameter}_{value}", entry.item.name),
        class: entry.item.name.to_string(),
        parameters: given.checked(&entry.item.parameters).unwrap(),
        semantics: Exact,
        complete: entry.is_complete(),
        shared: Shared::Nothing,
        weights: None,
    }
}

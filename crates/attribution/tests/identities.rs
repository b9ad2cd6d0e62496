//! What must hold between maps and logits, or between one method and another.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod common;

use attribution::{METHODS, Origin, Pass, Together};
use common::{Case, graph, images, targets, worst};
use network::models::{MODELS, load};
use network::{Gradient, Graph, Weights};
use serde_json::json;
use sweep::semantics::Semantics::{self, Captum, CaptumPatched, Exact};
use sweep::variant::{Shared, Variant};
use tch::{Device, Kind, Tensor};

/// Largest |delta| over |F(x) - F(b)|; in single precision over |F(x)| if that is larger, as its rounding counts.
fn incompleteness(graph: &Graph, class: &str, given: &serde_json::Value, images: &Tensor) -> f64 {
    let of_all = Case::of(graph).attribute(class, given, images, 64);
    let mut scale = of_all.change.as_ref().unwrap().to_kind(Kind::Double).abs();
    if images.kind() == Kind::Float {
        scale = scale.maximum(&graph.forward(images).unwrap().amax([1], false).to_kind(Kind::Double).abs());
    }
    (of_all.delta().unwrap().unwrap().abs() / scale).max().double_value(&[])
}

/// Layer norms and attention have no rule of their own: the transformers' `DeepLIFT` is not complete.
fn has_rules_everywhere(name: &str) -> bool {
    !name.starts_with("vit")
}

#[test]
fn deep_lift_is_complete_on_every_model_whose_operations_all_have_a_rule() {
    for model in MODELS.iter().filter(|model| has_rules_everywhere(&model.item.name)) {
        let name = &model.item.name;
        let (zero, mean, dark) =
            (json!({"baselines": "zero"}), json!({"baselines": "global_mean"}), json!({"baselines": -1}));
        let in_double = [("DeepLift", &zero), ("DeepLiftShap", &json!({"n_noise_baselines": 1}))];
        let in_single = [("DeepLift", &mean), ("DeepLift", &dark)];
        for (kind, tolerance, cases) in [(Kind::Double, 1e-10, in_double), (Kind::Float, 1e-4, in_single)] {
            let graph = graph(name, kind);
            let images = images(&graph, 2, kind);
            for (class, given) in cases {
                let error = incompleteness(&graph, class, given, &images);
                assert!(error < tolerance, "{class} {given} on {name} in {kind:?}: {error}");
            }
        }
    }
}

/// Gauss-Legendre's error falls exponentially with the steps where the network is smooth, as a
/// transformer with GELUs is.
#[test]
fn integrated_gradients_of_a_smooth_network_are_complete_to_ten_digits() {
    let graph = graph("vit_cifar", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    for baselines in [json!("global_mean"), json!(-0.5)] {
        let given = json!({"n_steps": 200, "baselines": baselines});
        let error = incompleteness(&graph, "IntegratedGradients", &given, &images);
        assert!(error < 1e-10, "{given}: {error}");
    }
}

/// A ReLU network has kinks along the line; each rule's error falls with its steps all the same.
#[test]
fn every_rule_of_integrated_gradients_comes_closer_with_more_steps() {
    let graph = graph("lenet", Kind::Double);
    let images = images(&graph, 4, Kind::Double);
    for method in ["gausslegendre", "riemann_left", "riemann_middle", "riemann_right", "riemann_trapezoid"] {
        let error = |steps: i64| {
            incompleteness(&graph, "IntegratedGradients", &json!({"n_steps": steps, "method": method}), &images)
        };
        let (few, many) = (error(4), error(400));
        assert!(many < few / 4.0, "{method}: {few} with 4 steps, {many} with 400");
    }
}

/// One step of Gauss-Legendre or of the middle rule lies half way.
#[test]
fn integrated_gradients_with_one_step_are_the_gradient_half_way() {
    let graph = graph("resnet18", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let half = &images * 0.5;
    let origin = Origin { seed: 0, dataset: ("", ""), first: 0, mean: None, known: None };
    let pass = Pass::new(&graph, half, targets(&graph, &images), 2, origin);
    let expected = pass.gradient().unwrap() * &images;
    for method in ["gausslegendre", "riemann_middle"] {
        let given = json!({"n_steps": 1, "method": method});
        assert!(worst(&Case::of(&graph).maps("IntegratedGradients", &given, &images), &expected) < 1e-12, "{method}");
    }
}

/// (F(x + h e) - F(x - h e)) / 2h at the pixel of the largest map value, for a few images.
#[test]
fn saliency_and_input_x_gradient_are_the_slope_of_the_target_logit() {
    let graph = graph("resnet18", Kind::Double);
    let images = images(&graph, 3, Kind::Double);
    let target = targets(&graph, &images);
    let saliency = Case::of(&graph).maps("Saliency", &json!({}), &images).view([3, -1]);
    let product = Case::of(&graph).maps("InputXGradient", &json!({}), &images).view([3, -1]);
    for image in 0..3 {
        let pixel = saliency.get(image).argmax(0, false).int64_value(&[]);
        let logit = |h: f64| {
            let moved = images.get(image).view([1, -1]).copy();
            let _ = moved.get(0).get(pixel).f_add_(&Tensor::from(h)).unwrap();
            let logits = graph.forward(&moved.view_as(&images.narrow(0, 0, 1))).unwrap();
            logits.double_value(&[0, target.int64_value(&[image])])
        };
        let slope = (logit(1e-6) - logit(-1e-6)) / 2e-6;
        assert!((saliency.double_value(&[image, pixel]) / slope.abs() - 1.0).abs() < 1e-5);
        let x = images.view([3, -1]).double_value(&[image, pixel]);
        assert!((product.double_value(&[image, pixel]) / (slope * x) - 1.0).abs() < 1e-5);
    }
}

/// 32 pixels in patches of 12: the last row and column are 8 wide.
#[test]
fn occlusion_with_windows_side_by_side_is_feature_ablation() {
    let graph = graph("resnet18", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    for patch in [8, 12, 32, 40] {
        let ablation = json!({"patch_size": patch, "baselines": 0.3});
        let occlusion = json!({"sliding_window_shapes": patch, "strides": patch, "baselines": 0.3});
        let [ablation, occlusion] = [("FeatureAblation", ablation), ("Occlusion", occlusion)]
            .map(|(class, given)| Case::of(&graph).maps(class, &given, &images));
        assert!(worst(&occlusion, &ablation) < 1e-12, "{patch}");
    }
}

/// The definition written out: every pixel gets the mean loss over the windows that cover it.
#[test]
fn occlusion_averages_the_losses_of_the_windows_that_cover_a_pixel() {
    let graph = graph("lenet", Kind::Double);
    let images = images(&graph, 1, Kind::Double);
    let target = targets(&graph, &images).int64_value(&[0]);
    let score = |images: &Tensor| graph.forward(images).unwrap().double_value(&[0, target]);
    let whole = score(&images);
    let (mut sum, mut count) = ([[0.0; 28]; 28], [[0.0; 28]; 28]);
    // Windows of 2 x 6 pixels moved by 6: at 0, 6, 12 and 18; the last of each row ends at 28, not at 30.
    let starts = [0_i64, 6, 12, 18];
    for (top, left) in starts.iter().flat_map(|top| starts.map(|left| (*top, left))) {
        let hidden = images.copy();
        let (bottom, right) = ((top + 12).min(28), (left + 12).min(28));
        let _ = hidden.narrow(2, top, bottom - top).narrow(3, left, right - left).fill_(0.0);
        let loss = whole - score(&hidden);
        for y in top..bottom {
            for x in left..right {
                sum[y as usize][x as usize] += loss;
                count[y as usize][x as usize] += 1.0;
            }
        }
    }
    let map = Case::of(&graph).maps("Occlusion", &json!({"patch_size": 6}), &images);
    for (y, x) in (0..28).flat_map(|y| (0..28).map(move |x| (y, x))) {
        let expected = sum[y][x] / count[y][x];
        assert!((map.double_value(&[0, 1, y as i64, x as i64]) - expected).abs() < 1e-9, "{y} {x}");
    }
}

/// Both are functions of the same draws: the mean square less the squared mean is the variance.
#[test]
fn smoothgrad_smoothgrad_squared_and_vargrad_belong_together() {
    let graph = graph("lenet", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let map = |nt_type: &str, stdevs: f64| {
        let given =
            json!({"nt_type": nt_type, "stdevs": stdevs, "nt_samples": 7, "attribution_method": "InputXGradient"});
        Case::of(&graph).maps("NoiseTunnel", &given, &images)
    };
    let variance = map("smoothgrad_sq", 0.3) - map("smoothgrad", 0.3).square();
    assert!(worst(&map("vargrad", 0.3), &variance) < 1e-9);
    let plain = Case::of(&graph).maps("InputXGradient", &json!({}), &images);
    assert!(worst(&map("smoothgrad", 0.0), &plain) < 1e-12, "without noise it is the method itself");
}

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

/// With four patches there are 16 coalitions: the Shapley values are a sum of so few terms.
#[test]
fn kernel_shap_comes_to_the_shapley_values() {
    let graph = graph("lenet", Kind::Double);
    let images = images(&graph, 1, Kind::Double);
    let target = targets(&graph, &images).int64_value(&[0]);
    let place = |patch: usize| ((patch / 2 * 14) as i64, (patch % 2 * 14) as i64);
    let score = |coalition: usize| {
        let shown = images.copy();
        for (top, left) in (0..4).filter(|patch| coalition & (1 << patch) == 0).map(place) {
            let _ = shown.narrow(2, top, 14).narrow(3, left, 14).fill_(0.0);
        }
        graph.forward(&shown).unwrap().double_value(&[0, target])
    };
    let scores: Vec<f64> = (0..16).map(score).collect();
    // |S|! (3 - |S|)! / 4! for the patches S that are there already.
    let chance = [0.25, 1.0 / 12.0, 1.0 / 12.0, 0.25];
    let given = json!({"patch_size": 14, "n_samples": 4000});
    let map = Case::of(&graph).attribute("KernelShap", &given, &images, 500).map;
    let range = (scores[15] - scores[0]).abs();
    for patch in 0..4 {
        let without = (0..16_usize).filter(|coalition| coalition & (1 << patch) == 0);
        let gain = |coalition: usize| {
            chance[coalition.count_ones() as usize] * (scores[coalition | (1 << patch)] - scores[coalition])
        };
        let shapley: f64 = without.map(gain).sum();
        let (top, left) = place(patch);
        let found = map.double_value(&[0, 0, top, left]);
        assert!((found - shapley).abs() < 0.05 * range, "patch {patch}: {found}, Shapley value {shapley}");
    }
    let sum: f64 = (0..4).map(place).map(|(top, left)| map.double_value(&[0, 0, top, left])).sum();
    assert!((sum - (scores[15] - scores[0])).abs() < 1e-3 * range, "the weights of both ends fix the sum");
}

/// Behind a ReLU, Captum's max pool keeps its plain gradient, and its last `DenseNet` ReLU is not hooked.
#[test]
fn captums_semantics_differ_where_captum_deviates_and_nowhere_else() {
    let graph_of = |name: &str| graph(name, Kind::Double);
    let differ = |name: &str, class: &str, a: Semantics, b: Semantics| {
        let graph = graph_of(name);
        let images = images(&graph, 1, Kind::Double);
        let map = |semantics| Case { semantics, ..Case::of(&graph) }.maps(class, &json!({}), &images);
        worst(&map(a), &map(b)) > 1e-6
    };
    for class in ["GuidedBackprop", "Deconvolution", "DeepLift"] {
        assert!(differ("densenet121", class, Captum, CaptumPatched), "{class}");
        assert!(!differ("resnet18", class, Captum, CaptumPatched), "{class}");
    }
    assert!(differ("resnet18", "DeepLift", Exact, Captum));
    assert!(!differ("densenet121", "GuidedBackprop", Exact, CaptumPatched));
    for class in ["Saliency", "InputXGradient", "FeatureAblation", "LayerGradCam"] {
        assert!(!differ("densenet121", class, Exact, Captum), "{class}");
    }
}

#[test]
fn a_shared_forward_pass_gives_the_maps_of_each_methods_own() {
    let graph = graph("resnet18", Kind::Float);
    let images = images(&graph, 3, Kind::Float);
    let trace = graph.trace(&images).unwrap();
    let mean = images.narrow(0, 0, 1).full_like(0.1);
    let origin = Origin { seed: 7, dataset: ("set", "test"), first: 0, mean: Some(&mean), known: None };
    let shared = Pass::predicted(&graph, images.shallow_clone(), trace, 16, origin).unwrap();
    for entry in METHODS {
        let given =
            serde_json::from_value::<sweep::parameters::Parameters>(common::cheap(&entry.item.name, 32)).unwrap();
        let checked = given.checked(&entry.item.parameters).unwrap();
        let method = attribution::build(&entry.item.name, &checked, Semantics::Exact).unwrap();
        let own = Case::of(&graph).maps(&entry.item.name, &common::cheap(&entry.item.name, 32), &images);
        assert!(method.attribute(&shared).unwrap().map.equal(&own), "{}", entry.item.name);
    }
}

/// Methods that take the size of the gradient, or pass on what is positive of it: all others turn with the sign.
const RECTIFIED: [&str; 5] = ["Saliency", "GuidedBackprop", "Deconvolution", "LayerGradCam", "GuidedGradCam"];

#[test]
fn of_one_logit_the_map_of_the_other_class_is_that_of_the_logit_with_the_other_sign() {
    let graph = load("lenet", &Weights::random(3, 1), (Device::Cpu, Kind::Double)).unwrap();
    let images = images(&graph, 2, Kind::Double);
    let mean = images.narrow(0, 0, 1).full_like(0.1);
    for entry in METHODS {
        let name = &*entry.item.name;
        let given = match name {
            // Of its own accord it takes Saliency.
            "NoiseTunnel" => json!({"nt_samples": 2, "stdevs": 0.1, "attribution_method": "InputXGradient"}),
            _ => common::cheap(name, images.size()[3]),
        };
        let given = serde_json::from_value::<sweep::parameters::Parameters>(given);
        let method = attribution::build(name, &given.unwrap().checked(&entry.item.parameters).unwrap(), Exact).unwrap();
        let of = |class: i64| {
            let origin = Origin { seed: 7, dataset: ("set", "test"), first: 0, mean: Some(&mean), known: None };
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

/// The weights of the channels are the gradient's means, written out.
#[test]
fn grad_cam_weighs_the_maps_of_a_layer_by_their_mean_gradient() {
    let graph = graph("resnet18", Kind::Double);
    let images = images(&graph, 1, Kind::Double);
    let given = json!({"layer": "layer2", "relu_attributions": false, "interpolate_mode": "nearest"});
    let map = Case::of(&graph).maps("LayerGradCam", &given, &images);
    let layer = graph.layer("layer2").unwrap();
    let (value, gradient) = graph.layer_gradient(&images, &targets(&graph, &images), layer).unwrap();
    // 32 pixels are 4 in this layer: a pixel of it is 8 x 8 of the image.
    for (y, x) in (0..4).flat_map(|y| (0..4).map(move |x| (y, x))) {
        let weigh = |channel: i64| {
            let mean = (0..16).map(|at| gradient.double_value(&[0, channel, at / 4, at % 4])).sum::<f64>() / 16.0;
            mean * value.double_value(&[0, channel, y, x])
        };
        let expected: f64 = (0..value.size()[1]).map(weigh).sum();
        let found = map.double_value(&[0, 2, 8 * y + 3, 8 * x + 5]);
        assert!((found - expected).abs() < 1e-9 * map.abs().max().double_value(&[]), "{y} {x}");
    }
    let whole = graph.trace(&images).unwrap();
    let seed = graph.select(whole.logits(), &targets(&graph, &images)).unwrap();
    assert_eq!(graph.backward(&whole, &seed, &Gradient).unwrap().size(), images.size());
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
        let origin = Origin { seed: 7, dataset: ("set", "test"), first: 0, mean: Some(&mean), known: None };
        let pass = Pass::new(&graph, images.shallow_clone(), targets(&graph, &images), 16, origin);
        let together = parts[0].attribute(&pass).unwrap();
        for (variant, attribution) in parts[0].variants.iter().zip(&together) {
            let given = serde_json::to_value(&variant.parameters).unwrap();
            let alone = Case::of(&graph).attribute(&entry.item.name, &given, &images, 16);
            assert!(attribution.map.equal(&alone.map), "{}", variant.key);
            assert!(attribution.change.as_ref().unwrap().equal(alone.change.as_ref().unwrap()), "{}", variant.key);
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
        complete: entry.complete,
        batch: 16,
        grows: false,
        shared: Shared::Nothing,
    }
}

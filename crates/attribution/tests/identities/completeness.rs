//! Maps that sum to the change of a logit.

use crate::common::{Case, graph, images, worst};
use network::Graph;
use network::models::MODELS;
use serde_json::json;
use sweep::semantics::Semantics::{self, Captum, CaptumPatched, Exact};
use tch::{Kind, Tensor};

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

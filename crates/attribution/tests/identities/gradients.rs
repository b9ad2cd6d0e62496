//! Methods against slopes that are measured or worked out in another way.

use crate::common::{Case, graph, images, targets, worst};
use attribution::{Origin, Pass};
use network::Gradient;
use serde_json::json;
use tch::{Kind, Tensor};

/// One step of Gauss-Legendre or of the middle rule lies half way.
#[test]
fn integrated_gradients_with_one_step_are_the_gradient_half_way() {
    let graph = graph("resnet18", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let half = &images * 0.5;
    let origin = Origin { seed: 0, dataset: ("", ""), first: 0, chosen: None, mean: None, known: None };
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

/// zennit's `SmoothGrad`: noise as a share of the range of each image by itself, and the last copy without any.
#[test]
fn noise_as_a_share_of_the_range_is_noise_of_that_deviation() {
    let graph = graph("lenet", Kind::Double);
    let images = images(&graph, 1, Kind::Double) * 0.3;
    let range = (images.max() - images.min()).double_value(&[]);
    let map = |given: serde_json::Value| {
        let mut all = json!({"nt_samples": 4, "attribution_method": "InputXGradient"});
        all.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        Case::of(&graph).maps("NoiseTunnel", &all, &images)
    };
    let (share, absolute) = (map(json!({"noise_level": 0.2})), map(json!({"stdevs": 0.2 * range})));
    assert!(worst(&share, &absolute) < 1e-9);
    let three = map(json!({"noise_level": 0.2, "nt_samples": 3}));
    let clean = Case::of(&graph).maps("InputXGradient", &json!({}), &images);
    let last = map(json!({"noise_level": 0.2, "clean_last": true}));
    assert!(worst(&last, &((three * 3 + clean) / 4)) < 1e-9);
    // Around a map of a layer, whose name is handed on.
    let cam = map(json!({"stdevs": 0.0, "nt_samples": 2, "attribution_method": "LayerCAM", "layer": "conv1"}));
    let plain = Case::of(&graph).maps("LayerCAM", &json!({"layer": "conv1"}), &images);
    assert!(worst(&cam, &plain) < 1e-12);
}

/// The baseline of an image is a function of the image alone, and maps are complete from each.
#[test]
fn integrated_gradients_from_a_baseline_of_each_images_own_are_complete() {
    let graph = graph("vit_cifar", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let second = images.narrow(0, 1, 1);
    for given in [
        json!({"baselines": "uniform", "n_baselines": 2, "n_steps": 60}),
        json!({"baselines": "max_distance", "n_steps": 60}),
        json!({"baselines": "blur", "sigma": 2.0, "n_steps": 60}),
        json!({"baselines": "blur", "n_steps": 60}),
    ] {
        let both = Case::of(&graph).attribute("IntegratedGradients", &given, &images, 64);
        let delta = (both.delta().unwrap().unwrap() / both.change.unwrap()).abs().max().double_value(&[]);
        assert!(delta < 0.1, "{given}: {delta}");
        let alone = Case { first: 1, ..Case::of(&graph) }.maps("IntegratedGradients", &given, &second);
        assert!(worst(&alone, &both.map.narrow(0, 1, 1)) < 1e-9, "{given}");
    }
    let of = |given| Case::of(&graph).maps("DeepLift", &given, &images);
    assert!(worst(&of(json!({"baselines": "max_distance"})), &of(json!({"baselines": "uniform"}))) > 1e-3);
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

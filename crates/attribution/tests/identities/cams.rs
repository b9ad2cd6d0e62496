//! Class activation maps against one another, where the network behind the layer makes them the same.

use crate::common::{Case, graph, images, targets, worst};
use serde_json::json;
use tch::{Kind, Tensor};

/// Behind the last map of a residual network stand the mean over pixels and a linear layer: the gradient is the same for all pixels of a
/// channel.
#[test]
fn on_the_last_map_before_a_mean_and_a_linear_layer_three_of_them_are_grad_cam() {
    let graph = graph("resnet18", Kind::Double);
    let images = last_maps_of_four_pixels();
    let map = |class: &str| {
        let given = json!({"layer": "layer4", "relu_attributions": false});
        Case::of(&graph).maps(class, &given, &images)
    };
    let grad_cam = map("LayerGradCam");
    for class in ["HiResCAM", "XGradCAM"] {
        assert!(worst(&map(class), &grad_cam) < 1e-6, "{class}");
    }
    // Without relative shares a channel loses its gradient times its sum: four times the weight of Grad-CAM.
    let given = json!({"layer": "layer4", "relu_attributions": false, "relative": false});
    let losses = Case::of(&graph).maps("AblationCAM", &given, &images);
    let layer = graph.layer("layer4").unwrap();
    let (value, gradient) = graph.layer_gradient(&images, &targets(&graph, &images), layer).unwrap();
    let weights = (&value * &gradient).sum_dim_intlist([2_i64, 3].as_slice(), true, Kind::Double);
    let expected = (&value * weights).sum_dim_intlist([1_i64].as_slice(), true, Kind::Double);
    let expected = expected.upsample_bilinear2d([64, 64], false, None, None).expand_as(&images);
    assert!(worst(&losses, &expected) < 1e-9);
    let sum = map("HiResCAM").narrow(1, 0, 1);
    assert!(sum.abs().max().double_value(&[]) > 0.0);
}

/// `DeepLIFT`'s completeness, from the layer on: what is missing where the layer is zero. And behind the last map of a residual network
/// stand a mean and a linear layer, where the contribution of a channel is what the logit loses without it.
#[test]
fn contributions_of_lift_cam_sum_to_what_the_logit_loses_without_the_layer() {
    let graph = graph("resnet18", Kind::Double);
    let images = last_maps_of_four_pixels();
    let targets = targets(&graph, &images);
    for name in ["layer2", "layer3.0"] {
        let layer = graph.layer(name).unwrap();
        let (value, multipliers) = graph.layer_multipliers(&images, &targets, layer).unwrap();
        let sum = (&value * multipliers).sum_dim_intlist([1_i64, 2, 3].as_slice(), false, Kind::Double);
        let trace = graph.forward(&images).unwrap();
        let score = |logits: &Tensor| logits.gather(1, &targets.unsqueeze(1), false).squeeze_dim(1);
        let tail = graph.tail(&images, layer).unwrap();
        let change = score(&trace) - score(&tail.logits_of_zeros().unwrap());
        assert!(worst(&sum, &change) < 1e-9, "{name}");
    }
    let of = |class: &str, given: serde_json::Value| Case::of(&graph).maps(class, &given, &images);
    let lift = of("LiftCAM", json!({"layer": "layer4"}));
    let ablation = of("AblationCAM", json!({"layer": "layer4", "relative": false}));
    assert!(worst(&lift, &ablation) < 1e-9);
}

/// Values behind a ReLU are not negative.
#[test]
fn where_no_value_is_negative_layer_cam_is_the_element_wise_one() {
    let graph = graph("resnet18", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let map = |class: &str| Case::of(&graph).maps(class, &json!({"layer": "layer2"}), &images);
    assert!(worst(&map("LayerCAM"), &map("GradCAMElementWise")) < 1e-12);
}

/// The definition written out, one channel and one pass after the other.
#[test]
fn score_cam_weighs_a_map_by_the_logit_of_what_it_shows() {
    let graph = graph("lenet", Kind::Double);
    let images = images(&graph, 1, Kind::Double);
    let target = targets(&graph, &images).int64_value(&[0]);
    let (value, _) = {
        let trace = graph.outline(&images).unwrap();
        graph.layer_gradient(&images, &targets(&graph, &images), graph.last_map(&trace).unwrap()).unwrap()
    };
    let scores: Vec<f64> = (0..value.size()[1])
        .map(|channel| {
            let map = value.narrow(1, channel, 1).upsample_bilinear2d([28, 28], false, None, None);
            let (least, most) = (map.min().double_value(&[]), map.max().double_value(&[]));
            let range = if most > least { most - least } else { 1.0 };
            graph.forward(&(&images * ((map - least) / range))).unwrap().double_value(&[0, target])
        })
        .collect();
    let highest = scores.iter().copied().fold(f64::MIN, f64::max);
    let total: f64 = scores.iter().map(|score| (score - highest).exp()).sum();
    let mut expected = value.narrow(1, 0, 1).zeros_like();
    for (channel, score) in (0..).zip(&scores) {
        expected += value.narrow(1, channel, 1) * ((score - highest).exp() / total);
    }
    let expected = expected.relu().upsample_bilinear2d([28, 28], false, None, None).expand_as(&images);
    for rows in [1, 64] {
        let found = Case::of(&graph).attribute("ScoreCAM", &json!({}), &images, rows).map;
        assert!(worst(&found, &expected) < 1e-9, "{rows} rows");
    }
}

/// Tokens of the norm before the last attention are a map of 8 x 8 patches; behind it only the class token reaches the logits.
#[test]
fn tokens_of_a_transformer_are_a_map() {
    let graph = graph("vit_cifar", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let at = |class: &str, layer: &str| {
        let given = json!({"layer": layer, "relu_attributions": false, "interpolate_mode": "nearest"});
        Case::of(&graph).maps(class, &given, &images)
    };
    let block = "encoder.layers.encoder_layer_5";
    for class in ["LayerGradCam", "GradCAMPlusPlus", "EigenCAM", "HiResCAM"] {
        let map = at(class, &format!("{block}.ln_1"));
        assert!(map.abs().max().double_value(&[]) > 0.0 && map.isfinite().all().int64_value(&[]) == 1, "{class}");
    }
    let behind = at("HiResCAM", block).abs().max().double_value(&[]);
    assert!(behind == 0.0, "patches of the last block reach no logit: {behind}");
}

fn last_maps_of_four_pixels() -> Tensor {
    (Tensor::arange(2 * 3 * 64 * 64, (Kind::Double, tch::Device::Cpu)) * 0.37).sin().view([2, 3, 64, 64])
}

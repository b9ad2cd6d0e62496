//! Methods of transformers, against what they are on small matrices or in another way of computing.

use crate::common::{Case, graph, images, targets, worst};
use network::Graph;
use serde_json::json;
use tch::{Kind, Tensor};

/// Weights and gradients of all attentions, the first first.
fn attentions(graph: &Graph, images: &Tensor) -> Vec<(Tensor, Tensor)> {
    let mut all = Vec::new();
    let keep = |_: usize, weights: &Tensor, gradient: &Tensor| {
        all.push((weights.shallow_clone(), gradient.shallow_clone()));
        Ok(())
    };
    graph.visit_attentions(images, &targets(graph, images), keep).unwrap();
    all.reverse();
    all
}

/// Row of the class of a product of whole matrices, as a map.
fn map_of(product: &Tensor, images: &Tensor) -> Tensor {
    let side = f64::from((product.size()[2] - 1) as i32).sqrt() as i64;
    let row = product.narrow(1, 0, 1).narrow(2, 1, side * side).reshape([-1, 1, side, side]);
    row.upsample_bilinear2d([images.size()[2], images.size()[3]], false, None, None).expand_as(images)
}

fn over_heads(values: &Tensor) -> Tensor {
    values.mean_dim([1_i64].as_slice(), false, Kind::Double)
}

/// The papers' definitions written out, with whole matrices instead of the row of the class.
#[test]
fn rollout_and_generic_attention_are_the_products_of_whole_matrices() {
    let graph = graph("vit_cifar", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let all = attentions(&graph, &images);
    let tokens = all[0].0.size()[3];
    let one = Tensor::eye(tokens, (Kind::Double, tch::Device::Cpu)).expand([2, tokens, tokens], false);
    for start in [0, 2] {
        let (mut rollout, mut generic) = (one.copy(), one.copy());
        for (weights, gradient) in &all[start..] {
            rollout = ((over_heads(weights) + &one) * 0.5).matmul(&rollout);
            generic = (over_heads(&(weights * gradient).relu()) + &one).matmul(&generic);
        }
        let given = json!({"start_layer": start});
        let found = |class: &str| Case::of(&graph).maps(class, &given, &images);
        assert!(worst(&found("AttentionRollout"), &map_of(&rollout, &images)) < 1e-12);
        assert!(worst(&found("GenericAttention"), &map_of(&generic, &images)) < 1e-12);
        let sums = rollout.sum_dim_intlist([2_i64].as_slice(), false, Kind::Double);
        assert!((sums - 1.0).abs().max().double_value(&[]) < 1e-12, "rows of a rollout sum to one");
    }
    // Rows of the least or the largest of all heads do not sum to one: the paper scales them with the identity.
    for fusion in ["min", "max"] {
        let mut rollout = one.copy();
        for (weights, _) in &all {
            let fused = if fusion == "min" { weights.amin([1_i64], false) } else { weights.amax([1_i64], false) };
            let passed = fused + &one;
            rollout = (&passed / passed.sum_dim_intlist([2_i64].as_slice(), true, Kind::Double)).matmul(&rollout);
        }
        let found = Case::of(&graph).maps("AttentionRollout", &json!({"head_fusion": fusion}), &images);
        assert!(worst(&found, &map_of(&rollout, &images)) < 1e-12, "{fusion}");
    }
    let (last, slope) = &all[all.len() - 1];
    let raw = Case::of(&graph).maps("RawAttention", &json!({}), &images);
    assert!(worst(&raw, &map_of(&over_heads(last), &images)) < 1e-12);
    let mean = slope.narrow(2, 0, 1).narrow(3, 1, tokens - 1).mean_dim([3_i64].as_slice(), true, Kind::Double);
    let cam = over_heads(&(last.narrow(2, 0, 1) * mean)).relu();
    let found = Case::of(&graph).maps("AttentionGradCAM", &json!({}), &images);
    assert!(worst(&found, &map_of(&cam, &images)) < 1e-12);
}

/// Attention weights have a share in one of them, and none in the other.
#[test]
fn relevance_of_a_transformer_differs_between_constant_and_shared_attentions() {
    let graph = graph("vit_cifar", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let map = |class: &str| Case::of(&graph).maps(class, &json!({}), &images);
    let (constant, shared) = (map("CPLRP"), map("AttnLRP"));
    for map in [&constant, &shared] {
        assert!(map.isfinite().all().int64_value(&[]) == 1 && map.abs().max().double_value(&[]) > 0.0);
    }
    assert!(worst(&constant, &shared) > 1e-3);
    // On networks without attentions and norms of each image both are the image times its gradient.
    let graph = crate::common::graph("resnet18", Kind::Double);
    let images = crate::common::images(&graph, 2, Kind::Double);
    let map = |class: &str| Case::of(&graph).maps(class, &json!({}), &images);
    for class in ["CPLRP", "AttnLRP"] {
        assert!(worst(&map(class), &map("InputXGradient")) < 1e-9, "{class}");
    }
}

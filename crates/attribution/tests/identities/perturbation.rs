//! Methods that hide parts of an image, against each other and against all subsets of parts.

use crate::common::{Case, graph, images, targets, worst};
use serde_json::json;
use tch::{Kind, Tensor};

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

//! Paths other than the straight line, and samples of orders.

use crate::common::{Case, graph, images, targets, worst};
use serde_json::json;
use tch::{Kind, Tensor};

/// Along a step all of the change is shared out, however few steps there are.
#[test]
fn idgi_sums_to_the_change_of_the_logit_with_any_number_of_steps() {
    let graph = graph("resnet18", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    for (steps, rows) in [(1, 2), (3, 2), (20, 64)] {
        let given = json!({"n_steps": steps, "baselines": 0.2});
        let of_all = Case::of(&graph).attribute("IDGI", &given, &images, rows);
        let worst = (of_all.delta().unwrap().unwrap() / of_all.change.unwrap()).abs().max().double_value(&[]);
        assert!(worst < 1e-9, "{steps} steps: {worst}");
    }
}

/// The definition written out for two steps.
#[test]
fn idgi_shares_a_step_by_the_squares_of_the_gradient_where_it_begins() {
    let graph = graph("lenet", Kind::Double);
    let images = images(&graph, 1, Kind::Double);
    let target = targets(&graph, &images);
    let score = |x: &Tensor| graph.forward(x).unwrap().double_value(&[0, target.int64_value(&[0])]);
    let mut expected = images.zeros_like();
    for step in 0..2 {
        let here = &images * (f64::from(step) / 2.0);
        let next = &images * (f64::from(step + 1) / 2.0);
        let trace = graph.trace(&here).unwrap();
        let seed = graph.select(trace.logits(), &target).unwrap();
        let squares = graph.backward(&trace, &seed, &network::Gradient).unwrap().square();
        let sum = squares.sum(Kind::Double).double_value(&[]);
        expected += squares * ((score(&next) - score(&here)) / sum);
    }
    assert!(worst(&Case::of(&graph).maps("IDGI", &json!({"n_steps": 2}), &images), &expected) < 1e-9);
}

/// No value may leave the line: the path is that of integrated gradients, each gradient taken where its step begins.
#[test]
fn guided_ig_that_may_not_leave_the_line_is_integrated_gradients() {
    let graph = graph("lenet", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let guided = |max_dist: f64| {
        let given = json!({"n_steps": 6, "max_dist": max_dist, "baselines": 0.1});
        Case::of(&graph).maps("GuidedIG", &given, &images)
    };
    let given = json!({"n_steps": 6, "method": "riemann_left", "baselines": 0.1});
    let plain = Case::of(&graph).maps("IntegratedGradients", &given, &images);
    assert!(worst(&guided(0.0), &plain) < 1e-9);
    assert!(worst(&guided(0.5), &plain) > 1e-3);
    let alone = Case { first: 1, ..Case::of(&graph) };
    let given = json!({"n_steps": 6, "max_dist": 0.5, "baselines": 0.1});
    let second = alone.maps("GuidedIG", &given, &images.narrow(0, 1, 1));
    assert!(worst(&second, &guided(0.5).narrow(0, 1, 1)) < 1e-9);
}

#[test]
fn blur_ig_comes_to_the_change_from_the_blurred_image_with_more_steps() {
    let graph = graph("vit_cifar", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let error = |steps: i64| {
        let given = json!({"n_steps": steps, "max_sigma": 4.0});
        let of_all = Case::of(&graph).attribute("BlurIG", &given, &images, 64);
        (of_all.delta().unwrap().unwrap() / of_all.change.unwrap()).abs().max().double_value(&[])
    };
    let (few, many) = (error(5), error(40));
    assert!(many < few / 4.0 && many < 0.2, "{few} with 5 steps, {many} with 40");
}

/// Of four patches there are 24 orders; each patch's values sum to the change of the logit with any number of samples.
#[test]
fn sampled_shapley_values_sum_to_the_change_and_come_to_the_exact_ones() {
    let graph = graph("lenet", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let target = targets(&graph, &images);
    let score = |image: i64, there: usize| {
        let shown = images.narrow(0, image, 1).copy();
        for patch in (0..4).filter(|patch| there & (1 << patch) == 0) {
            let _ = shown.narrow(2, (patch / 2) * 14, 14).narrow(3, (patch % 2) * 14, 14).fill_(0.0);
        }
        graph.forward(&shown).unwrap().double_value(&[0, target.int64_value(&[image])])
    };
    let map = |samples: i64, rows: i64| {
        let given = json!({"patch_size": 14, "n_samples": samples});
        Case::of(&graph).attribute("ShapleyValueSampling", &given, &images, rows).map
    };
    let (few, many) = (map(2, 2), map(600, 64));
    for image in 0..2 {
        let value = |map: &Tensor, patch: i64| map.double_value(&[image, 0, patch / 2 * 14, patch % 2 * 14]);
        let change = score(image, 15) - score(image, 0);
        let sum: f64 = (0..4).map(|patch| value(&few, patch)).sum();
        assert!((sum - change).abs() < 1e-9 * change.abs().max(1.0), "{sum}, {change}");
        let exact = |patch: i64| {
            let others = (0..16_usize).filter(|there| there & (1 << patch) == 0);
            // |S|! (3 - |S|)! / 4!
            let weight = |there: usize| [0.25, 1.0 / 12.0, 1.0 / 12.0, 0.25][there.count_ones() as usize];
            others.map(|there| weight(there) * (score(image, there | (1 << patch)) - score(image, there))).sum::<f64>()
        };
        let scale = (0..4).map(|patch| exact(patch).abs()).fold(0.0, f64::max);
        for patch in 0..4 {
            assert!((value(&many, patch) - exact(patch)).abs() < 0.1 * scale, "patch {patch} of image {image}");
        }
    }
}

/// Both scores are those of the same masks: with one logit they are a function of one another.
#[test]
fn rise_is_the_mean_of_masks_by_their_scores_whatever_fits_into_a_pass() {
    let graph = graph("lenet", Kind::Double);
    let images = images(&graph, 2, Kind::Double);
    let map = |given: serde_json::Value, rows: i64| Case::of(&graph).attribute("RISE", &given, &images, rows).map;
    let many = map(json!({"n_samples": 30, "grid": 4}), 64);
    assert!(worst(&map(json!({"n_samples": 30, "grid": 4}), 2), &many) < 1e-12);
    assert!(many.min().double_value(&[]) >= 0.0, "probabilities and masks are not negative");
    // Where every cell is shown, the mask is one everywhere and the score that of the image.
    let whole = map(json!({"n_samples": 3, "p": 1.0, "score": "logit"}), 64);
    let logits = graph.forward(&images).unwrap().amax([1], false);
    for image in 0..2 {
        let found = whole.double_value(&[image, 1, 5, 20]);
        assert!((found - logits.double_value(&[image])).abs() < 1e-9, "{found}");
    }
}

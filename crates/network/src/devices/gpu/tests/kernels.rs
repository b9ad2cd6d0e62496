//! Each kernel beside a slow reference, on many shapes, in orders of threads that look like none.

use std::rc::Rc;

use tch::{Kind, Tensor};

use super::{last, wave};
use crate::devices::gpu::end::{Affine, Ends};
use crate::devices::gpu::launch::emulated::Emulated;
use crate::graph::{Come, How};
use crate::operations::BatchNorm;

/// Channels and maps, of which four lie together in the one order, in the other, in both and in none.
const SHAPES: [[i64; 4]; 8] = [
    [2, 3, 4, 4],
    [2, 8, 3, 3],
    [1, 4, 2, 6],
    [3, 5, 7, 1],
    [2, 1, 1, 1],
    [1, 12, 5, 5],
    [40, 4, 1, 1],
    [1, 3, 17, 16],
];

fn ends() -> Ends {
    Ends(Rc::new(Emulated::default()))
}

fn norm(channels: i64) -> BatchNorm {
    let part = |pace: f64, more: f64| wave(&[channels], pace) + more;
    BatchNorm::new([part(0.3, 0.2), part(0.7, 0.0), part(1.1, 0.0), part(0.9, 1.5)], 1e-5).unwrap()
}

pub(super) fn values(of: &Tensor) -> Vec<f32> {
    Vec::try_from(of.contiguous().flatten(0, -1).to_kind(Kind::Float)).unwrap()
}

/// Values without a pattern, and one that is not a number; their memory begins anywhere.
fn random(shape: [i64; 4], pace: f64, is_last: bool) -> Tensor {
    let values = wave(&shape, pace);
    let _ = values.flatten(0, -1).get(0).fill_(f64::NAN);
    if is_last {
        return last(&values);
    }
    let count = shape.iter().product::<i64>();
    let moved = wave(&[count + 3], 0.1);
    let view = moved.narrow(0, (shape[1] + shape[3]) % 4 % 3, count).view(shape);
    view.shallow_clone().copy_(&values);
    view
}

#[test]
pub(super) fn an_end_is_batch_norm_then_sum_then_relu() {
    for (shape, is_last) in SHAPES.iter().flat_map(|shape| [(*shape, false), (*shape, true)]) {
        for which in 0..16 {
            let [normed, summed, relu, compare] = [1, 2, 4, 8].map(|bit| which & bit != 0);
            let (x, other) = (random(shape, 0.37, is_last), wave(&shape, 0.21));
            let norm = norm(shape[1]);
            let affine = normed.then(|| Affine::of(&norm).unwrap());
            let how = How { keep: true, compare, ..How::FORWARD };
            let own = which % 3 == 0;
            let before = values(&x);
            let (y, kept) = ends().finish((&x, own), affine.as_ref(), summed.then_some(&other), (relu, how)).unwrap();
            if !own {
                assert_eq!(
                    values(&x).iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
                    before.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
                );
            }
            let parts = [&norm.weight, &norm.variance, &norm.mean, &norm.bias].map(values);
            let other = values(&other);
            let kept: Option<Vec<f32>> = kept.first().map(values);
            assert_eq!(kept.is_some(), relu, "{shape:?}");
            for (at, y) in values(&y).into_iter().enumerate() {
                let channel = at / (shape[2] * shape[3]) as usize % shape[1] as usize;
                let [weight, variance, mean, bias] = [0, 1, 2, 3].map(|part| f64::from(parts[part][channel]));
                let mut expected = f64::from(before[at]);
                if normed {
                    expected = (expected - mean) / (variance + 1e-5).sqrt() * weight + bias;
                }
                if summed {
                    expected += f64::from(other[at]);
                }
                if let Some(kept) = &kept {
                    let kept = f64::from(kept[at]);
                    let right = if compare { near(kept, expected) } else { kept == f64::from(expected > 0.0) };
                    // Where rounding decides, either is right.
                    assert!(right || expected.abs() < 1e-6, "{shape:?} {which} at {at}: {kept} of {expected}");
                }
                let expected = if relu && expected <= 0.0 { 0.0 } else { expected };
                assert!(near(f64::from(y), expected), "{shape:?} {which} at {at}: {y} not {expected}");
            }
        }
    }
}

#[test]
pub(super) fn on_the_way_back_passes_what_the_gate_lets_pass() {
    for (shape, is_last) in SHAPES.iter().flat_map(|shape| [(*shape, false), (*shape, true)]) {
        for which in 0..8 {
            let [masked, rectified, in_two] = [1, 2, 4].map(|bit| which & bit != 0);
            let (first, second) = (random(shape, 0.43, is_last), wave(&shape, 0.29));
            let open = wave(&shape, 0.6).gt(0.0).to_kind(Kind::Uint8);
            let come = Come { first: first.shallow_clone(), second: in_two.then(|| second.shallow_clone()) };
            let gradient = if in_two { values(&(first + second)) } else { values(&first) };
            passed(&come, gradient, (&open, masked, rectified), &format!("{shape:?} {which}"));
        }
    }
}

/// As a mean over a plane gives it: one value for each plane, which lies there once.
#[test]
pub(super) fn on_the_way_back_a_gradient_that_is_spread_over_planes_is_not_written_out() {
    for (shape, is_last) in SHAPES.iter().flat_map(|shape| [(*shape, false), (*shape, true)]) {
        for which in 0..4 {
            let [masked, rectified] = [1, 2].map(|bit| which & bit != 0);
            let [n, c, ..] = shape;
            // A part of more, whose channels do not lie together.
            let few = wave(&[c, n + 1], 0.43).transpose(0, 1).narrow(0, 1, n).view([n, c, 1, 1]);
            let gradient = few.expand(shape, false);
            let open = wave(&shape, 0.6).gt(0.0).to_kind(Kind::Uint8);
            let open = if is_last { last(&open) } else { open };
            let what = format!("{shape:?} {which} spread");
            passed(&Come::of(&gradient), values(&gradient), (&open, masked, rectified), &what);
        }
    }
}

/// Compares what passes with the values `gradient`.
fn passed(come: &Come, gradient: Vec<f32>, (open, masked, rectified): (&Tensor, bool, bool), what: &str) {
    let found = values(&ends().back(come, masked.then_some(open), rectified).unwrap());
    assert_eq!(found.len(), gradient.len());
    for ((found, gradient), open) in found.into_iter().zip(gradient).zip(values(open)) {
        let passed = if masked { gradient * open } else { gradient };
        let expected = if rectified && passed <= 0.0 { 0.0 } else { passed };
        assert!(found == expected || (found.is_nan() && expected.is_nan()), "{what}: {found} {expected}");
    }
}

#[test]
pub(super) fn the_rescale_rule_is_the_change_of_the_output_over_that_of_the_input() {
    for (shape, is_last) in SHAPES.iter().flat_map(|shape| [(*shape, false), (*shape, true)]) {
        for rows in [1, shape[0]] {
            let [n, c, h, w] = shape;
            let (gradient, here) = (random(shape, 0.43, is_last), wave(&shape, 0.31));
            let there = wave(&[rows, c, h, w], 0.77);
            // Some do not change at all.
            there.narrow(1, 0, 1).copy_(&here.narrow(0, 0, rows).narrow(1, 0, 1));
            let found = values(&ends().rescale(&gradient, &here, &there).unwrap());
            let there = values(&there.expand([n, c, h, w], false));
            for (at, found) in found.into_iter().enumerate() {
                let [gradient, here, there] = [values(&gradient)[at], values(&here)[at], there[at]].map(f64::from);
                let change = here - there;
                let plain = if here > 0.0 { gradient } else { 0.0 * gradient };
                let slope = gradient * (here.max(0.0) - there.max(0.0)) / change;
                let expected = if change.abs() <= 1e-10 { plain } else { slope };
                // A small change is the difference of two that were rounded.
                let tolerance = 1e-5 * (1.0 + expected.abs()) + 1e-6 / change.abs().max(1e-3);
                let is_near = (f64::from(found) - expected).abs() <= tolerance || (found.is_nan() && expected.is_nan());
                assert!(is_near, "{shape:?} {rows} at {at}: {found} not {expected}, {here} {there}");
            }
        }
    }
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 2e-6 * (1.0 + expected.abs()) || (found.is_nan() && expected.is_nan())
}

//! A network of five units and two images, all by formula, of which many metrics are known: `h = tanh(W1 x + b1)`, `z = W2 h + b2`.

use sweep::seed::Draw;

use crate::{Failed, Model, Subject};

pub(super) const SHAPE: [usize; 3] = [2, 4, 4];
const SIZE: usize = 32;

/// The two images.
pub(super) fn images() -> [Vec<f32>; 2] {
    [(7, 3), (5, 1)].map(|(step, first)| (0..SIZE).map(|i| ((step * i + first) % 33) as f32 / 32.0).collect())
}

/// The maps of the two images.
pub(super) fn maps() -> [Vec<f32>; 2] {
    let of = |step: usize, first: usize, less: f64| {
        (0..SIZE).map(|i| (((step * i + first) % 37) as f64 / 36.0 - less) as f32).collect()
    };
    [of(11, 5, 0.4), of(7, 2, 0.3)]
}

/// The object: the four pixels in the middle.
const MASK: [bool; 16] = {
    let mut mask = [false; 16];
    (mask[5], mask[6], mask[9], mask[10]) = (true, true, true, true);
    mask
};

/// The network, which counts what it is asked and explains by input times gradient.
#[derive(Debug, Default)]
pub(super) struct Network {
    pub(super) passes: usize,
    pub(super) rows: usize,
}

fn first(j: usize, i: usize) -> f64 {
    (((13 * j + 5 * i + 2 * i * j) % 23) as f64 - 11.0) / 23.0
}

fn second(k: usize, j: usize) -> f64 {
    (((3 * k + 4 * j + k * j) % 7) as f64 - 3.0) / 3.0
}

const BIAS: [f64; 3] = [0.1, 0.0, -0.1];

fn hidden(x: &[f32]) -> Vec<f64> {
    let unit = |j: usize| {
        let sum: f64 = x.iter().enumerate().map(|(i, x)| first(j, i) * f64::from(*x)).sum();
        (sum + (j as f64 - 2.0) / 10.0).tanh()
    };
    (0..5).map(unit).collect()
}

fn logits(x: &[f32]) -> Vec<f32> {
    let h = hidden(x);
    (0..3).map(|k| ((0..5).map(|j| second(k, j) * h[j]).sum::<f64>() + BIAS[k]) as f32).collect()
}

/// Gradient of the logit of class `target`.
pub(super) fn gradient(x: &[f32], target: usize) -> Vec<f32> {
    let h = hidden(x);
    let of = |i: usize| (0..5).map(|j| second(target, j) * (1.0 - h[j] * h[j]) * first(j, i)).sum::<f64>() as f32;
    (0..SIZE).map(of).collect()
}

/// Input times gradient.
pub(super) fn explained(x: &[f32], target: usize) -> Vec<f32> {
    gradient(x, target).iter().zip(x).map(|(gradient, x)| gradient * x).collect()
}

impl Model for Network {
    fn logits(&mut self, points: &[f32]) -> Result<Vec<f32>, Failed> {
        self.passes += points.len() / SIZE;
        Ok(points.chunks(SIZE).flat_map(logits).collect())
    }

    fn maps(&mut self, points: &[f32], target: usize) -> Result<Vec<f32>, Failed> {
        Ok(points.chunks(SIZE).flat_map(|x| explained(x, target)).collect())
    }

    fn stored(&mut self, key: &str) -> Result<Vec<f32>, Failed> {
        // The map of the second image is the other map of both.
        (key == "Other").then(|| maps()[1].clone()).ok_or(Failed)
    }

    fn rows(&self) -> usize {
        self.rows.max(1)
    }
}

/// Calls `with` on each image with its map of `maps`.
pub(super) fn each(maps: &[Vec<f32>; 2], mut with: impl FnMut(&Subject<'_>)) {
    for (at, image) in images().iter().enumerate() {
        let logits = logits(image);
        with(&Subject {
            image,
            shape: SHAPE,
            map: &maps[at],
            logits: &logits,
            predicted: crate::predicted(&logits),
            label: Some([2, 1][at]),
            mask: Some(&MASK),
            model: 0,
            draw: Draw { seed: 0, dataset: ("t", "test"), image: at as u64, purpose: "", draw: 0 },
        });
    }
}

#[test]
fn the_network_is_that_of_the_vectors() {
    let close = |found: &[f32], wanted: &[f64]| found.iter().zip(wanted).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6);
    assert!(close(&images()[0], &[0.09375, 0.3125, 0.53125, 0.75]));
    assert!(close(&maps()[0], &[-0.261_111, 0.044_444, 0.35]));
    assert!(close(&logits(&images()[0]), &[-1.029_479, 0.162_554, 0.385_436]));
    assert!(close(&logits(&images()[1]), &[-0.159_551, 0.183_767, -1.106_134]));
    assert!(close(&gradient(&images()[0], 2), &[-0.160_976, 0.145_940, -0.051_556, -0.067_940]));
}

//! Similarity of two maps of one image.

use crate::numbers::{norm, spearman, structural};

/// Similarities, in their order.
pub(crate) const SIMILARITIES: [&str; 4] = ["spearman", "cosine", "ssim", "jaccard"];

/// Similarities of `one` and `other`, planes `[.., height, width]` of the same number; `percent` of the largest values count for
/// Jaccard's. What is undefined is NaN.
pub(super) fn similarities(one: &[f64], other: &[f64], [height, width]: [usize; 2], percent: usize) -> [f64; 4] {
    let product: f64 = one.iter().zip(other).map(|(a, b)| a * b).sum();
    [
        spearman(one, other),
        product / (norm(one.iter().copied()) * norm(other.iter().copied())),
        structural(one, other, [height, width]),
        jaccard(one, other, percent),
    ]
}

/// Share of the values that are among the largest `percent` of both maps in those that are among those of either. Of equal values the
/// first count.
fn jaccard(one: &[f64], other: &[f64], percent: usize) -> f64 {
    // The nearest whole number, and one value at least.
    let most = ((one.len() * percent + 50) / 100).clamp(1, one.len());
    let largest = |values: &[f64]| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
        let mut is_largest = vec![false; values.len()];
        order.into_iter().take(most).for_each(|at| is_largest[at] = true);
        is_largest
    };
    let both = largest(one).iter().zip(largest(other)).filter(|(a, b)| **a && *b).count();
    both as f64 / (2 * most - both) as f64
}

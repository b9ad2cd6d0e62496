//! Statistics of a few numbers. What is undefined is NaN.

/// Mean height of a curve whose points are equally far from each other: the trapezoids, divided by their number.
pub(crate) fn mean_height(heights: &[f64]) -> f64 {
    trapezoids(heights) / (heights.len().saturating_sub(1)) as f64
}

/// Area below a curve whose points are at distance 1 from each other.
pub(crate) fn trapezoids(heights: &[f64]) -> f64 {
    heights.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).sum()
}

/// Mean.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Pearson's correlation of two lists of the same length; NaN where one of them is constant.
pub fn pearson(one: &[f64], other: &[f64]) -> f64 {
    let (of_one, of_other) = (mean(one), mean(other));
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for (x, y) in one.iter().zip(other) {
        let (x, y) = (x - of_one, y - of_other);
        both += x * y;
        first += x * x;
        second += y * y;
    }
    if is_constant(one) || is_constant(other) { f64::NAN } else { both / (first * second).sqrt() }
}

fn is_constant(values: &[f64]) -> bool {
    values.iter().all(|value| *value == values[0])
}

/// Spearman's correlation: Pearson's of the ranks, equal values at their mean rank; NaN where a value is, which has no rank.
pub(crate) fn spearman(one: &[f64], other: &[f64]) -> f64 {
    if one.iter().chain(other).any(|value| value.is_nan()) { f64::NAN } else { pearson(&ranks(one), &ranks(other)) }
}

/// Rank of each value from 0 on, equal values at their mean rank.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let last = (first..order.len()).take_while(|at| values[order[*at]] == values[order[first]]).last();
        let last = last.unwrap_or(first);
        for at in &order[first..=last] {
            ranks[*at] = f64::midpoint(first as f64, last as f64);
        }
        first = last + 1;
    }
    ranks
}

/// Mean over the steps of recall of the precision there, of scores and whether each is right; equal scores are one step.
pub(crate) fn average_precision(mut scores: Vec<(f32, bool)>) -> f64 {
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    let all = scores.iter().filter(|(_, is_right)| *is_right).count() as f64;
    let (mut seen, mut right, mut sum) = (0.0, 0.0, 0.0);
    for step in scores.chunk_by(|a, b| a.0 == b.0) {
        let found = step.iter().filter(|(_, is_right)| *is_right).count() as f64;
        (seen, right) = (seen + step.len() as f64, right + found);
        sum += found * right / seen;
    }
    if all == 0.0 { f64::NAN } else { sum / all }
}

/// Side of the windows of the structural similarity, in pixels.
const WINDOW: usize = 7;

/// Mean structural similarity (Wang et al. 2004) of planes `[.., height, width]`, over all windows of 7x7 pixels that lie inside;
/// values have the range of both maps together. Undefined for planes that are smaller than a window, and for one constant value.
pub(crate) fn structural(one: &[f64], other: &[f64], [height, width]: [usize; 2]) -> f64 {
    let ends =
        |values: &[f64]| values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    let ((least, most), (other_least, other_most)) = (ends(one), ends(other));
    let range = most.max(other_most) - least.min(other_least);
    let known = range > 0.0 && height >= WINDOW && width >= WINDOW;
    if !known {
        return f64::NAN;
    }
    let constants = [(0.01 * range).powi(2), (0.03 * range).powi(2)];
    let (pixels, mut sum, mut count) = (height * width, 0.0, 0);
    for (one, other) in one.chunks_exact(pixels).zip(other.chunks_exact(pixels)) {
        for (top, left) in (0..=height - WINDOW).flat_map(|top| (0..=width - WINDOW).map(move |left| (top, left))) {
            let of = |values: &[f64]| -> [f64; WINDOW * WINDOW] {
                std::array::from_fn(|at| values[(top + at / WINDOW) * width + left + at % WINDOW])
            };
            sum += of_window(&of(one), &of(other), constants);
            count += 1;
        }
    }
    sum / f64::from(count)
}

/// Structural similarity of one window, with the variances and the covariance of samples.
fn of_window(one: &[f64], other: &[f64], [first, second]: [f64; 2]) -> f64 {
    let (of_one, of_other) = (mean(one), mean(other));
    let product = |a: &[f64], b: &[f64], means: (f64, f64)| {
        a.iter().zip(b).map(|(a, b)| (a - means.0) * (b - means.1)).sum::<f64>() / (a.len() - 1) as f64
    };
    let both = product(one, other, (of_one, of_other));
    let (own, others) = (product(one, one, (of_one, of_one)), product(other, other, (of_other, of_other)));
    (2.0 * of_one * of_other + first) * (2.0 * both + second)
        / ((of_one * of_one + of_other * of_other + first) * (own + others + second))
}

/// Number of bins of a histogram.
const BINS: usize = 100;

/// Entropy in nats of the histogram of `values` in 100 bins of equal width from the least to the largest; 0 for one constant value.
pub(crate) fn histogram_entropy(values: &[f64]) -> f64 {
    let (least, most) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    if !(most - least).is_finite() || values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let mut bins = [0_usize; BINS];
    for value in values {
        let at = if most > least { (value - least) / (most - least) * BINS as f64 } else { 0.0 };
        // The largest value belongs to the last bin.
        bins[(at as usize).min(BINS - 1)] += 1;
    }
    let share = |count: &usize| *count as f64 / values.len() as f64;
    bins.iter().map(share).filter(|share| *share > 0.0).map(|share| -share * share.ln()).sum()
}

/// Euclidean norm.
pub(crate) fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_their_mean_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
        // scipy.stats.spearmanr([1, 2, 2, 4], [1, 3, 2, 4]) = 0.9486832980505138
        assert!((spearman(&[1.0, 2.0, 2.0, 4.0], &[1.0, 3.0, 2.0, 4.0]) - 0.948_683_298_050_513_8).abs() < 1e-15);
    }

    #[test]
    fn what_is_constant_correlates_with_nothing() {
        assert!(pearson(&[0.1, 0.1, 0.1], &[1.0, 2.0, 3.0]).is_nan());
        assert!(
            spearman(&[0.1, f64::NAN, 0.3], &[1.0, 2.0, 3.0]).is_nan()
                && spearman(&[1.0, 2.0], &[f64::NAN; 2]).is_nan()
        );
        assert!(mean_height(&[1.0]).is_nan());
        assert_eq!((mean_height(&[1.0, 0.0, 1.0]), trapezoids(&[1.0, 0.0, 1.0])), (0.5, 1.0));
    }
}

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

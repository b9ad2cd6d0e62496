//! Imputation from the pixels around (ROAD): each removed pixel is the weighted mean of its eight neighbours, 1/6 along the axes
//! and 1/12 across, divided by the weights inside the image. Neighbours that are removed too are unknowns of the same linear system.

/// Weights of the neighbours of a pixel, by rows and columns from there.
const AROUND: [(isize, isize, f64); 8] = [
    (-1, 0, 1.0 / 6.0),
    (1, 0, 1.0 / 6.0),
    (0, -1, 1.0 / 6.0),
    (0, 1, 1.0 / 6.0),
    (-1, -1, 1.0 / 12.0),
    (-1, 1, 1.0 / 12.0),
    (1, -1, 1.0 / 12.0),
    (1, 1, 1.0 / 12.0),
];

/// Share of the right-hand side that may be left when the system counts as solved.
const LEFT: f64 = 1e-12;

/// Copy of `image` in which what is `removed` is imputed, channel by channel; a channel of which nothing is left gets the `values` of the
/// same shape.
pub(super) fn without(image: &[f32], [_, height, width]: [usize; 3], removed: &[bool], values: &[f32]) -> Vec<f32> {
    let pixels = height * width;
    let channels = image.chunks(pixels).zip(values.chunks(pixels)).zip(removed.chunks(pixels));
    let filled = |((channel, values), removed): ((&[f32], &[f32]), &[bool])| {
        let nothing_left = removed.iter().all(|removed| *removed);
        if nothing_left { values.to_vec() } else { imputed(channel, removed, [height, width]) }
    };
    channels.flat_map(filled).collect()
}

fn imputed(channel: &[f32], removed: &[bool], [height, width]: [usize; 2]) -> Vec<f32> {
    let unknown: Vec<usize> = (0..channel.len()).filter(|at| removed[*at]).collect();
    if unknown.is_empty() {
        return channel.to_vec();
    }
    let mut place = vec![usize::MAX; channel.len()];
    for (index, at) in unknown.iter().enumerate() {
        place[*at] = index;
    }
    // Both sides are multiplied by the weights inside the image, which makes the matrix symmetric.
    let (mut diagonal, mut right) = (vec![0.0; unknown.len()], vec![0.0; unknown.len()]);
    let mut linked: Vec<Vec<(usize, f64)>> = vec![Vec::new(); unknown.len()];
    for (index, at) in unknown.iter().enumerate() {
        for (there, weight) in neighbours(*at, [height, width]) {
            diagonal[index] += weight;
            if removed[there] {
                linked[index].push((place[there], weight));
            } else {
                right[index] += weight * f64::from(channel[there]);
            }
        }
    }
    let product = |x: &[f64]| -> Vec<f64> {
        let row = |index: usize| {
            diagonal[index] * x[index] - linked[index].iter().map(|(there, weight)| weight * x[*there]).sum::<f64>()
        };
        (0..x.len()).map(row).collect()
    };
    let mut filled = channel.to_vec();
    for (at, value) in unknown.iter().zip(solved(product, &right)) {
        filled[*at] = value as f32;
    }
    filled
}

fn neighbours(at: usize, [height, width]: [usize; 2]) -> impl Iterator<Item = (usize, f64)> {
    let (row, column) = (at / width, at % width);
    AROUND.iter().filter_map(move |(down, right, weight)| {
        let row = row.checked_add_signed(*down).filter(|row| *row < height)?;
        let column = column.checked_add_signed(*right).filter(|column| *column < width)?;
        Some((row * width + column, *weight))
    })
}

/// Solution of a symmetric positive definite system by conjugate gradients: the same steps in the same order each time.
fn solved(product: impl Fn(&[f64]) -> Vec<f64>, right: &[f64]) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut x = vec![0.0; right.len()];
    let (mut residual, mut direction) = (right.to_vec(), right.to_vec());
    let mut left = dot(&residual, &residual);
    let enough = left * LEFT * LEFT;
    for _ in 0..10 * right.len() {
        if left <= enough {
            break;
        }
        let image = product(&direction);
        let step = left / dot(&direction, &image);
        for index in 0..x.len() {
            x[index] += step * direction[index];
            residual[index] -= step * image[index];
        }
        let now = dot(&residual, &residual);
        for index in 0..x.len() {
            direction[index] = residual[index] + now / left * direction[index];
        }
        left = now;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_imputed_pixel_is_the_weighted_mean_of_its_neighbours() {
        let (height, width) = (9, 8);
        let channel: Vec<f32> = (0..72).map(|at| ((at * 29) % 31) as f32 / 31.0).collect();
        let removed: Vec<bool> = (0..72).map(|at| (at * 7) % 10 < 6).collect();
        let found = imputed(&channel, &removed, [height, width]);
        for at in 0..72 {
            if !removed[at] {
                assert_eq!(found[at], channel[at]);
                continue;
            }
            let (mut sum, mut weights) = (0.0, 0.0);
            for (there, weight) in neighbours(at, [height, width]) {
                sum += weight * f64::from(found[there]);
                weights += weight;
            }
            assert!((f64::from(found[at]) - sum / weights).abs() < 1e-6, "{at}");
        }
    }
}

//! Scaling as PIL does it (`Resample.c`): a triangle as wide as the pixels of the smaller image, in fixed point, first along the rows
//! and then along the columns, rounded to bytes in between.
//!
//! Pillow 13 takes the columns first where a picture is more than twice as high as wide and becomes smaller: 1 of 255 at most.
//!
//! Only the part that is kept is computed. A pixel depends on its own weights alone, so that its value is that of the whole.

use super::geometry::Geometry;

/// Bits behind the point of a weight: 32, less 8 of a byte, less 2 for sums that overshoot.
const BITS: u32 = 22;

/// Channels of a picture.
const CHANNELS: usize = 3;

/// Pixels along one side of a picture of which a pixel of the scaled picture is made.
#[derive(Debug, PartialEq)]
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

/// Taps of `kept` pixels from pixel `corner` on, of a side that is scaled from `size` to `scaled` pixels.
fn taps(size: usize, scaled: usize, corner: usize, kept: usize) -> Vec<Taps> {
    let scale = size as f64 / scaled as f64;
    let filter_scale = scale.max(1.0);
    // Half the width of the triangle.
    let support = filter_scale;
    (corner..corner + kept)
        .map(|at| {
            let centre = (at as f64 + 0.5) * scale;
            // Casts cut off as those of C do, and what is below 0 becomes 0.
            let first = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(size);
            let weights: Vec<f64> = (first..end)
                .map(|pixel| (1.0 - ((pixel as f64 - centre + 0.5) * (1.0 / filter_scale)).abs()).max(0.0))
                .collect();
            let sum: f64 = weights.iter().sum();
            let weights = weights.iter().map(|weight| {
                let weight = if sum == 0.0 { *weight } else { weight / sum };
                (0.5 + weight * f64::from(1 << BITS)) as i32
            });
            Taps { first, weights: weights.collect() }
        })
        .collect()
}

/// A picture that is being scaled: rows come in one by one.
pub(super) struct Resample {
    columns: Vec<Taps>,
    rows: Vec<Taps>,
    /// First row that is needed.
    first: usize,
    /// Needed rows, scaled along the rows, `[n, size, 3]`.
    scaled: Vec<u8>,
}

impl Resample {
    /// Begins a picture of the size `[height, width]`.
    pub(super) fn new(picture: [usize; 2], geometry: Geometry) -> Self {
        let scaled = geometry.scaled(picture);
        let corner = geometry.corner(scaled);
        let [rows, columns] = [0, 1].map(|axis| taps(picture[axis], scaled[axis], corner[axis], geometry.size));
        let first = rows.first().map_or(0, |taps| taps.first);
        Self { columns, rows, first, scaled: Vec::new() }
    }

    /// Takes row `at` of the picture, `[width, 3]`. Rows come in rising order.
    pub(super) fn push(&mut self, at: usize, row: &[u8]) {
        let end = self.rows.last().map_or(0, |taps| taps.first + taps.weights.len());
        if !(self.first..end).contains(&at) {
            return;
        }
        for taps in &self.columns {
            let pixels = &row[taps.first * CHANNELS..];
            for channel in 0..CHANNELS {
                let terms = taps
                    .weights
                    .iter()
                    .enumerate()
                    .map(|(tap, weight)| i32::from(pixels[tap * CHANNELS + channel]) * weight);
                self.scaled.push(rounded(terms));
            }
        }
    }

    /// The image `[size, size, 3]`, once every row has come.
    pub(super) fn finish(self) -> Vec<u8> {
        let stride = self.columns.len() * CHANNELS;
        let mut image = Vec::with_capacity(self.rows.len() * stride);
        for taps in &self.rows {
            let start = (taps.first - self.first) * stride;
            for at in start..start + stride {
                let terms = taps
                    .weights
                    .iter()
                    .enumerate()
                    .map(|(tap, weight)| i32::from(self.scaled[at + tap * stride]) * weight);
                image.push(rounded(terms));
            }
        }
        image
    }
}

fn rounded(terms: impl Iterator<Item = i32>) -> u8 {
    let sum = terms.fold(1 << (BITS - 1), |sum: i32, term| sum + term);
    (sum >> BITS).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half the size: the triangle around the first pixel of two is 4 pixels wide, centre 1, of which those at 0.5, 1.5 and 2.5 have
    /// the weights 0.75, 0.75 and 0.25 of 1.75.
    #[test]
    fn a_side_of_half_the_size_has_the_weights_of_a_triangle_of_two_pixels() {
        let found = taps(4, 2, 0, 1);
        let unit = f64::from(1 << BITS);
        let weights = [0.75, 0.75, 0.25].map(|weight: f64| (0.5 + weight / 1.75 * unit) as i32);
        assert_eq!(found, [Taps { first: 0, weights: weights.to_vec() }]);
    }

    #[test]
    fn a_picture_of_the_size_that_it_is_scaled_to_is_cut_and_no_pixel_changes() {
        let geometry = Geometry { shorter: 4, size: 2 };
        let picture: Vec<u8> = (0..4 * 5 * 3).map(|value| value * 4).collect();
        let mut resample = Resample::new([4, 5], geometry);
        picture.chunks_exact(15).enumerate().for_each(|(at, row)| resample.push(at, row));
        // Corner: row 1; round(1.5) = 2, column 2.
        let expected: Vec<u8> = [1, 2].iter().flat_map(|row| picture[row * 15 + 6..row * 15 + 12].to_vec()).collect();
        assert_eq!(resample.finish(), expected);
    }
}

//! Values in the place of what is removed of an image.

use serde_json::Value;

mod imputed;

/// Way of filling what is removed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fill {
    /// This value everywhere.
    Constant(f32),
    /// Smallest value of the image.
    Min,
    /// Mean of all values of the image.
    Mean,
    /// Mean of each channel of the image.
    ChannelMean,
    /// Image, blurred.
    Blur,
    /// Values that the pixels around suggest (Rong et al. 2022).
    Imputed,
}

impl Fill {
    /// The meaning of a value of `baseline`.
    pub(crate) fn of(value: &Value) -> Self {
        match value.as_str() {
            Some("image_min") => Self::Min,
            Some("image_mean") => Self::Mean,
            Some("channel_mean") => Self::ChannelMean,
            Some("blur") => Self::Blur,
            Some("imputed") => Self::Imputed,
            _ => Self::Constant(value.as_f64().unwrap_or(0.0) as f32),
        }
    }

    /// Prepares the filling of `image` `[channels, height, width]`.
    pub(crate) fn prepare(self, image: &[f32], shape: [usize; 3]) -> Filling<'_> {
        let [channels, height, width] = shape;
        let pixels = height * width;
        let values = match self {
            Self::Constant(value) => vec![value; image.len()],
            Self::Min => vec![image.iter().copied().fold(f32::INFINITY, f32::min); image.len()],
            Self::Mean => vec![mean(image); image.len()],
            // Where nothing of an image is left, there is nothing to impute from.
            Self::ChannelMean | Self::Imputed => {
                image.chunks(pixels.max(1)).flat_map(|channel| vec![mean(channel); channel.len()]).collect()
            }
            Self::Blur => (0..channels)
                .flat_map(|channel| blurred(&image[channel * pixels..(channel + 1) * pixels], height, width))
                .collect(),
        };
        Filling { image, shape, values, imputed: self == Self::Imputed }
    }
}

/// Filling of one image.
#[derive(Clone, Debug)]
pub(crate) struct Filling<'a> {
    image: &'a [f32],
    shape: [usize; 3],
    values: Vec<f32>,
    imputed: bool,
}

impl Filling<'_> {
    /// Copy of the image without the values that are `removed`.
    pub(crate) fn without(&self, removed: &[bool]) -> Vec<f32> {
        if self.imputed {
            return imputed::without(self.image, self.shape, removed, &self.values);
        }
        let filled = removed.iter().zip(self.image.iter().zip(&self.values));
        filled.map(|(removed, (kept, filled))| if *removed { *filled } else { *kept }).collect()
    }
}

fn mean(values: &[f32]) -> f32 {
    (values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64) as f32
}

/// Pixels from the middle of the blur's kernel to its edge.
const REACH: isize = 5;

/// Standard deviation of the blur in pixels, as RISE has it (Petsiuk et al. 2018).
const DEVIATION: f64 = 5.0;

/// Convolution with a Gaussian kernel of 11x11 pixels; beyond the edge everything is 0.
fn blurred(channel: &[f32], height: usize, width: usize) -> Vec<f32> {
    let weight = |distance: isize| (-((distance * distance) as f64) / (2.0 * DEVIATION * DEVIATION)).exp();
    let sum: f64 = (-REACH..=REACH).map(weight).sum();
    let along = |values: &[f64], step: usize, length: usize, at: usize| -> f64 {
        let here = (at / step % length) as isize;
        let there = |distance: isize| (here + distance >= 0 && here + distance < length as isize).then_some(distance);
        let value = |distance: isize| weight(distance) / sum * values[at.wrapping_add_signed(distance * step as isize)];
        (-REACH..=REACH).filter_map(there).map(value).sum()
    };
    let plain: Vec<f64> = channel.iter().map(|value| f64::from(*value)).collect();
    let rows: Vec<f64> = (0..plain.len()).map(|at| along(&plain, 1, width, at)).collect();
    (0..rows.len()).map(|at| along(&rows, width, height, at) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_is_the_convolution_with_the_product_of_two_gaussians() {
        let (height, width) = (7, 6);
        let image: Vec<f32> = (0..42).map(|at| ((at * 11) % 17) as f32 / 17.0).collect();
        let weight = |d: i64| (-(d * d) as f64 / 50.0).exp();
        let sum: f64 = (-5..=5).map(weight).sum();
        for (at, found) in blurred(&image, height, width).into_iter().enumerate() {
            let (y, x) = ((at / width) as i64, (at % width) as i64);
            let mut wanted = 0.0;
            for (dy, dx) in (-5..=5).flat_map(|dy| (-5..=5).map(move |dx| (dy, dx))) {
                let (y, x) = (y + dy, x + dx);
                if (0..height as i64).contains(&y) && (0..width as i64).contains(&x) {
                    wanted += weight(dy) * weight(dx) / (sum * sum) * f64::from(image[y as usize * width + x as usize]);
                }
            }
            assert!((f64::from(found) - wanted).abs() < 1e-7, "{at}");
        }
    }

    #[test]
    fn what_is_kept_stays_as_it_is() {
        let image = [1.0, 2.0, 3.0, 6.0];
        let removed = [true, false, false, true];
        let table = [
            (Fill::Constant(-1.0), [-1.0, 2.0, 3.0, -1.0]),
            (Fill::Min, [1.0, 2.0, 3.0, 1.0]),
            (Fill::Mean, [3.0, 2.0, 3.0, 3.0]),
            (Fill::ChannelMean, [1.5, 2.0, 3.0, 4.5]),
        ];
        for (fill, wanted) in table {
            assert_eq!(fill.prepare(&image, [2, 1, 2]).without(&removed), wanted);
        }
    }
}

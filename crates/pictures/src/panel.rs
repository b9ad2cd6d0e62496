//! Panels: one number a pixel, made of the channels of a map.

use std::borrow::Cow;
use std::str::FromStr;

use crate::error::PictureError;

/// Way from the channels of a map to one number a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channels {
    /// Sum over channels, which keeps completeness.
    Sum,
    /// Mean of the absolute values over channels.
    MeanAbs,
    /// One channel, counted from 0.
    One(usize),
}

impl FromStr for Channels {
    type Err = PictureError;

    fn from_str(text: &str) -> Result<Self, PictureError> {
        let unknown = || PictureError::Word {
            what: "way to show channels",
            found: text.to_owned(),
            expected: "`sum`, `mean_abs` or the number of a channel".to_owned(),
        };
        match text {
            "sum" => Ok(Self::Sum),
            "mean_abs" => Ok(Self::MeanAbs),
            _ => text.parse().map(Self::One).map_err(|_| unknown()),
        }
    }
}

/// One number a pixel, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// `height * width` numbers.
    pub values: Vec<f32>,
}

impl Panel {
    /// Panel of a map `[channels, height, width]`.
    ///
    /// # Errors
    /// [`PictureError::Shape`] for values that do not fill the shape, [`PictureError::Channel`] for a channel that is not there.
    pub fn of(values: &[f32], [channels, height, width]: [usize; 3], how: Channels) -> Result<Self, PictureError> {
        let pixels = height * width;
        if pixels == 0 || channels == 0 || values.len() != channels * pixels {
            return Err(PictureError::Shape { found: values.len(), channels, height, width });
        }
        let over = |add: fn(f32, f32) -> f32| {
            let mut sums = vec![0.0; pixels];
            for channel in values.chunks_exact(pixels) {
                sums.iter_mut().zip(channel).for_each(|(sum, value)| *sum = add(*sum, *value));
            }
            sums
        };
        let values = match how {
            Channels::Sum => over(|sum, value| sum + value),
            Channels::MeanAbs => {
                over(|sum, value| sum + value.abs()).into_iter().map(|sum| sum / channels as f32).collect()
            }
            Channels::One(channel) if channel < channels => values[channel * pixels..(channel + 1) * pixels].to_vec(),
            Channels::One(channel) => return Err(PictureError::Channel { channel, channels }),
        };
        Ok(Self { height, width, values })
    }

    /// The panel with means over squares of pixels, as many as it takes to be no wider and no higher than `most` pixels; and the side of a
    /// square. Squares at the right and at the bottom may be cut off.
    pub fn reduced(&self, most: usize) -> (Cow<'_, Self>, usize) {
        let side = self.width.max(self.height).div_ceil(most.max(1));
        if side <= 1 {
            return (Cow::Borrowed(self), 1);
        }
        let (height, width) = (self.height.div_ceil(side), self.width.div_ceil(side));
        let mean = |at: usize| {
            let (top, left) = (at / width * side, at % width * side);
            let (end, right) = ((top + side).min(self.height), (left + side).min(self.width));
            let rows = (top..end).map(|y| &self.values[y * self.width + left..y * self.width + right]);
            let sum: f64 = rows.flatten().map(|value| f64::from(*value)).sum();
            (sum / ((end - top) * (right - left)) as f64) as f32
        };
        (Cow::Owned(Self { height, width, values: (0..height * width).map(mean).collect() }), side)
    }

    /// Share of the positive values in the sum of the absolute values; `None` where all values are zero.
    pub fn positive_share(&self) -> Option<f64> {
        let finite = || self.values.iter().map(|value| f64::from(*value)).filter(|value| value.is_finite());
        let (positive, all): (f64, f64) = (finite().filter(|value| *value > 0.0).sum(), finite().map(f64::abs).sum());
        (all > 0.0).then(|| positive / all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_summed_averaged_or_shown_alone() {
        let map = [1.0, -2.0, 3.0, -5.0];
        let of = |how: &str| Panel::of(&map, [2, 1, 2], how.parse().unwrap()).unwrap().values;
        assert_eq!((of("sum"), of("mean_abs"), of("1")), (vec![4.0, -7.0], vec![2.0, 3.5], vec![3.0, -5.0]));
        assert!(Panel::of(&map, [2, 1, 2], Channels::One(2)).is_err());
        assert!(Panel::of(&map, [3, 1, 2], Channels::Sum).is_err());
        assert!("l2".parse::<Channels>().is_err());
    }

    #[test]
    fn a_large_panel_becomes_means_over_squares() {
        let panel = Panel { height: 2, width: 3, values: vec![1.0, 3.0, 5.0, 5.0, 7.0, 9.0] };
        let (reduced, side) = panel.reduced(2);
        assert_eq!((reduced.height, reduced.width, side, reduced.values.as_slice()), (1, 2, 2, &[4.0, 7.0][..]));
        assert_eq!(panel.reduced(3), (Cow::Borrowed(&panel), 1));
    }

    #[test]
    fn the_share_of_positive_values_is_one_of_absolute_values() {
        let panel = |values: &[f32]| Panel { height: 1, width: values.len(), values: values.to_vec() };
        assert_eq!(panel(&[3.0, -1.0, f32::NAN]).positive_share(), Some(0.75));
        assert_eq!(panel(&[0.0]).positive_share(), None);
    }
}

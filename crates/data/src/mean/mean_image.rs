//! A mean image, and the images that it stretches to.

use sha2::{Digest, Sha256};

use super::error::Misfit;

/// Mean image.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// Shape `[channels, height, width]`; a 1 stands for any size.
    pub shape: [usize; 3],
    /// Values, in C order.
    pub values: Vec<f32>,
}

impl Mean {
    /// SHA-256 over shape and values, in hexadecimal, which names the content.
    pub fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        for size in self.shape {
            digest.update((size as u64).to_le_bytes());
        }
        for value in &self.values {
            digest.update(value.to_le_bytes());
        }
        hex::encode(digest.finalize())
    }

    /// Values of an image of the shape `wanted` `[channels, height, width]`.
    ///
    /// Mean images of grey datasets have three channels too. Channels that are all equal count as one channel, which is repeated for
    /// the channels that the model takes. Averaging channels that differ would make another image.
    pub fn expanded(&self, wanted: [usize; 3]) -> Result<Vec<f32>, Misfit> {
        let [c, h, w] = self.shape;
        let plane = (h * w).max(1);
        let mut channels = self.values.chunks(plane);
        let first = channels.next();
        let c = if channels.all(|channel| Some(channel) == first) { 1 } else { c };
        let stretches = |from: usize, to: usize| from == to || from == 1;
        let fits = stretches(c, wanted[0]) && stretches(h, wanted[1]) && stretches(w, wanted[2]);
        if !fits || self.values.len() != self.shape.iter().product::<usize>() {
            return Err(Misfit { found: self.shape, wanted });
        }
        let at = |size: usize, index: usize| if size == 1 { 0 } else { index };
        let rows = (0..wanted[0]).flat_map(|k| (0..wanted[1]).map(move |y| (k, y)));
        let pixels = rows.flat_map(|(k, y)| (0..wanted[2]).map(move |x| (at(c, k) * h + at(h, y)) * w + at(w, x)));
        Ok(pixels.map(|index| self.values[index]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(shape: [usize; 3], values: &[f32]) -> Mean {
        Mean { shape, values: values.to_vec() }
    }

    #[test]
    fn a_mean_stretches_where_it_has_one_value_and_keeps_its_pixels_where_it_has_all() {
        let of_channels = mean([3, 1, 1], &[1.0, 2.0, 3.0]);
        assert_eq!(of_channels.expanded([3, 1, 2]).unwrap(), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
        let grey = mean([1, 2, 2], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(grey.expanded([2, 2, 2]).unwrap(), [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(grey.expanded([1, 2, 2]).unwrap(), grey.values);
    }

    #[test]
    fn three_channels_become_one_or_more_only_if_they_are_equal() {
        let equal = mean([3, 1, 2], &[1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
        assert_eq!(equal.expanded([1, 1, 2]).unwrap(), [1.0, 2.0]);
        assert_eq!(equal.expanded([2, 1, 2]).unwrap(), [1.0, 2.0, 1.0, 2.0]);
        let colour = mean([3, 1, 2], &[1.0, 2.0, 1.0, 2.0, 1.0, 3.0]);
        let error = colour.expanded([1, 1, 2]).unwrap_err().to_string();
        assert!(error.contains("[3, 1, 2]") && error.contains("[1, 1, 2]"), "{error}");
    }

    #[test]
    fn a_mean_of_another_size_is_refused() {
        let small = mean([3, 2, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
        for wanted in [[3, 4, 4], [3, 2, 4], [3, 1, 1], [2, 2, 2], [4, 2, 2]] {
            assert!(small.expanded(wanted).is_err(), "{wanted:?}");
        }
    }

    /// Pinned: the digest stands in stores. Made by Python's hashlib over the same bytes.
    #[test]
    fn the_digest_is_that_of_version_one_and_differs_with_shape_and_values() {
        let digest = mean([3, 1, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).sha256();
        assert_eq!(digest, "973b8b94f5e42c4451b375d31167b0abf5e9a43fec261713bfb1795a44a2b0fe");
        assert_ne!(digest, mean([3, 2, 1], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).sha256());
        assert_ne!(digest, mean([3, 1, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 6.0]).sha256());
    }
}

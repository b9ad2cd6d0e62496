//! Limits of the values that a call makes: a few hundred bytes of a program can ask for gigabytes, and are refused before.

use tch::Tensor;

use super::Call;
use crate::graph::Size;
use crate::programs::error::ExportError;

/// Most values of a tensor that a program may make up: more is no mask.
pub(crate) const MOST: i64 = 1 << 26;

/// Windows that move over a map, `[down, across]` in pixels.
#[derive(Clone, Copy)]
pub(crate) struct Windows {
    pub(crate) stride: [i64; 2],
    pub(crate) padding: [i64; 2],
}

/// Whether a tensor of `sizes` has no more than [`MOST`] values.
fn is_few(sizes: &[i64]) -> bool {
    let values = sizes.iter().try_fold(1_i64, |all, size| all.checked_mul(*size));
    values.is_some_and(|values| (0..=MOST).contains(&values))
}

/// Size of one image; sizes that depend on the images count as one pixel.
fn fixed(size: Option<Size>) -> i64 {
    size.map_or(1, |size| size.of(1))
}

impl Call<'_> {
    /// Returns an error if a value of `sizes` is larger than a constant may be.
    pub(crate) fn few(&self, sizes: &[i64]) -> Result<(), ExportError> {
        if is_few(sizes) { Ok(()) } else { Err(self.fault("size", "is too large for a constant")) }
    }

    /// Returns an error if one image's part of a value of `shape` is larger than a constant may be: none of a real model is.
    pub(crate) fn few_of_image(&self, shape: &[Size]) -> Result<(), ExportError> {
        self.any_model_has("output_size", &shape.iter().map(|size| size.of(1).max(1)).collect::<Vec<i64>>())
    }

    /// Returns an error about the argument `name` unless a value of `sizes` is as large as a constant may be, or smaller.
    fn any_model_has(&self, name: &str, sizes: &[i64]) -> Result<(), ExportError> {
        let reason = format!("is too large: an image would take more than {} MiB there", MOST >> 18);
        if is_few(sizes) { Ok(()) } else { Err(self.fault(name, &reason)) }
    }

    /// Returns an error if the output of `windows` over the tensor `name` is larger than a constant may be: so many `channels`,
    /// or those of the tensor. Sizes that depend on the images count as one pixel.
    pub(crate) fn room_for_windows(
        &self,
        name: &str,
        windows: Windows,
        channels: Option<i64>,
    ) -> Result<(), ExportError> {
        let shape = self.shape(name)?;
        let [.., of_tensor, height, width] = shape[..] else { return Ok(()) };
        let mut sizes = vec![channels.unwrap_or_else(|| fixed(of_tensor))];
        for (axis, inside) in [height, width].into_iter().enumerate() {
            sizes.push(self.places((windows.stride[axis], windows.padding[axis]), fixed(inside))?);
        }
        self.any_model_has("padding", &sizes)
    }

    /// As [`Call::room_for_windows`], of windows that move along the last dimension of a tensor `[n, c, l]`.
    pub(crate) fn room_along(
        &self,
        name: &str,
        (stride, padding): (i64, i64),
        channels: Option<i64>,
    ) -> Result<(), ExportError> {
        let [.., of_tensor, length] = self.shape(name)?[..] else { return Ok(()) };
        let channels = channels.unwrap_or_else(|| fixed(of_tensor));
        let along = self.places((stride, padding), fixed(length))?;
        self.any_model_has("padding", &[channels, along])
    }

    /// Number of places of windows along `inside` pixels, one more where they do not end with these.
    fn places(&self, (stride, padding): (i64, i64), inside: i64) -> Result<i64, ExportError> {
        let padded = padding.checked_mul(2).and_then(|both| both.checked_add(inside));
        let padded = padded.filter(|_| padding >= 0 && stride >= 1);
        Ok(padded.ok_or_else(|| self.fault("padding", "is too large, or less than nothing"))? / stride + 1)
    }

    /// Returns an error if an image's part of the tensor `name`, enlarged so many `times`, is larger than a constant may be.
    pub(crate) fn room(&self, name: &str, times: &[i64]) -> Result<(), ExportError> {
        let fixed = |size: Option<Size>| match size {
            Some(Size::Fixed(size)) => size,
            Some(Size::Images(times)) => times,
            None => 1,
        };
        let sizes = self.shape(name)?.into_iter().map(fixed);
        self.few(&sizes.chain(times.iter().copied()).collect::<Vec<i64>>())
    }

    /// Returns an error if `constants`, broadcast with each other, are larger than a constant may be.
    pub(crate) fn broadcast(&self, constants: &[&Tensor]) -> Result<(), ExportError> {
        let rank = constants.iter().map(|constant| constant.dim()).max().unwrap_or(0);
        let mut sizes = vec![1; rank];
        for constant in constants {
            let own = constant.size();
            let behind = sizes.iter_mut().skip(rank - own.len());
            behind.zip(own).for_each(|(size, own)| *size = own.max(*size));
        }
        self.few(&sizes)
    }
}

//! Limits of the values that a call makes: a few hundred bytes of a program can ask for gigabytes, and are refused before.

use tch::Tensor;

use super::Call;
use crate::graph::Size;
use crate::programs::error::ExportError;

/// Most values of a tensor that a program may make up: more is no mask.
pub(crate) const MOST: i64 = 1 << 26;

impl Call<'_> {
    /// Returns an error if a value of `sizes` is larger than a constant may be.
    pub(crate) fn few(&self, sizes: &[i64]) -> Result<(), ExportError> {
        let values = sizes.iter().try_fold(1_i64, |all, size| all.checked_mul(*size));
        let fits = values.is_some_and(|values| (0..=MOST).contains(&values));
        if fits { Ok(()) } else { Err(self.fault("size", "is too large for a constant")) }
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

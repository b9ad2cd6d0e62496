//! How large a value may be that a call makes: what a few hundred bytes can ask for is looked at before there is any memory for it.

use tch::Tensor;

use super::Call;
use crate::graph::Size;
use crate::programs::error::ExportError;

/// Most values of a tensor that a program may make up: more is no mask.
pub(crate) const MOST: i64 = 1 << 26;

impl Call<'_> {
    /// That a value of `sizes` is not more than a constant may be.
    pub(crate) fn few(&self, sizes: &[i64]) -> Result<(), ExportError> {
        let values = sizes.iter().try_fold(1_i64, |all, size| all.checked_mul(*size));
        let fits = values.is_some_and(|values| (0..=MOST).contains(&values));
        if fits { Ok(()) } else { Err(self.fault("size", "is too large for a constant")) }
    }

    /// That what is as many `times` as large as an image's part of the tensor `name` is not more than a constant may be.
    pub(crate) fn room(&self, name: &str, times: &[i64]) -> Result<(), ExportError> {
        let fixed = |size: Option<Size>| match size {
            Some(Size::Fixed(size)) => size,
            Some(Size::Images(times)) => times,
            None => 1,
        };
        let sizes = self.shape(name)?.into_iter().map(fixed);
        self.few(&sizes.chain(times.iter().copied()).collect::<Vec<i64>>())
    }

    /// That `constants` that are broadcast with each other are not more than a constant may be.
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

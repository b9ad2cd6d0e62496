//! Maps and numbers on their way from the device to the host.
//!
//! A device that computes meanwhile is asked to round maps to half precision itself, where the store has them so, and to say of each map what
//! nobody can see any more after that. Half the bytes travel, and the threads that encode maps read them where the device has put
//! them: whoever feeds the device reads a few numbers of each map. A CPU gives its maps as they are.

use std::sync::Arc;

use network::{Crossing, crossed};
use store::Unrounded;
use sweep::group::Dtype;
use tch::{Device, Kind, TchError, Tensor};

use crate::device::pinned::Lent;
use crate::device::traffic::{Away, Traffic};
use crate::stages::computed::{MapValues, SharedMap};
use crate::unit_error::UnitError;

/// Values of a map up to which a sum of ones in single precision is exact.
const COUNTABLE: i64 = 1 << 24;

/// Numbers in single precision, in the host's memory once the mark behind them is reached.
pub(crate) enum Numbers {
    Here(Tensor),
    Lent(Lent),
}

impl Numbers {
    /// Lets `values` leave.
    pub(crate) fn leave(values: &Tensor, traffic: &Traffic) -> Result<Self, TchError> {
        let values = values.f_to_kind(Kind::Float)?.f_contiguous()?;
        if let Some(away) = &traffic.away {
            return Ok(Self::Lent(carried(&values, away)?));
        }
        crossed(Crossing::Read, values.numel() * size_of::<f32>());
        Ok(Self::Here(values.f_to_device(Device::Cpu)?))
    }

    /// The numbers one after the other.
    pub(crate) fn floats(&self) -> Result<Vec<f32>, UnitError> {
        match self {
            Self::Here(values) => floats(values),
            Self::Lent(lent) => Ok(lent.floats()),
        }
    }
}

/// Values of a tensor in the host's memory.
pub(crate) fn floats(of: &Tensor) -> Result<Vec<f32>, UnitError> {
    let mut values = vec![0.0; of.numel()];
    of.f_copy_data(&mut values, of.numel())?;
    Ok(values)
}

/// Maps of one batch, in the host's memory once the mark behind them is reached.
pub(crate) enum Maps {
    /// `[n, ..]` in single precision.
    Here(Tensor),
    /// `maps` is `[n, ..]`, rounded to half precision or not, and `facts` is `[3 or 1, n]`: the largest size of each map, and where the
    /// maps are rounded, what [`network::Halves`] has besides.
    Lent { maps: Arc<Lent>, facts: Lent, count: usize },
}

impl Maps {
    /// Lets `map` `[n, ..]` leave, for a store that has maps as `dtype`.
    pub(crate) fn leave(map: &Tensor, dtype: Dtype, traffic: &Traffic) -> Result<Self, TchError> {
        let wide = map.f_to_kind(Kind::Float)?.f_contiguous()?;
        let Some(away) = &traffic.away else {
            crossed(Crossing::Read, wide.numel() * size_of::<f32>());
            return Ok(Self::Here(wide.f_to_device(Device::Cpu)?));
        };
        let count = wide.size().first().copied().unwrap_or(0);
        let rows = wide.f_view([count, -1])?;
        let (maps, facts) = if dtype == Dtype::Float16 && rows.size()[1] <= COUNTABLE {
            let halves = network::halves(&rows)?;
            if halves.is_disproof {
                tracing::error!(shape = ?rows.size(), "kernels of ours round maps otherwise than libtorch does, which rounds them from now on");
            }
            (halves.values, halves.facts)
        } else {
            let largest = rows.f_norm_scalaropt_dim_dtype(f64::INFINITY, [1_i64], false, Kind::Float)?;
            (rows, largest)
        };
        let facts = carried(&facts, away)?;
        let maps = Arc::new(carried(&maps, away)?);
        Ok(Self::Lent { maps, facts, count: count as usize })
    }

    /// Gives the map of each image to `emit`; the first one is image `first` of its split.
    ///
    /// # Errors
    /// [`UnitError::NotFinite`] at the first map that holds NaN or infinity.
    pub(crate) fn give(&self, key: &str, first: u64, emit: &mut dyn FnMut(MapValues)) -> Result<(), UnitError> {
        match self {
            Self::Here(maps) => {
                for (image, row) in (first..).zip(0..maps.size().first().copied().unwrap_or(0)) {
                    let values = floats(&maps.f_select(0, row)?)?;
                    finite(&values, values.len(), || key.to_owned(), image)?;
                    emit(MapValues::Own(values));
                }
            }
            Self::Lent { maps, facts, count } => {
                let facts = facts.floats();
                let (largest, others) = facts.split_at(*count);
                for (row, image) in (0..*count).zip(first..) {
                    finite(&largest[row..=row], 1, || key.to_owned(), image)?;
                    let of_row = |number: usize| others.get(number * count + row).copied();
                    let unrounded = of_row(0).zip(of_row(1));
                    let unrounded =
                        unrounded.map(|(non_zero, too_large)| Unrounded { non_zero: non_zero as u32, too_large });
                    emit(MapValues::Shared(SharedMap::new(Arc::clone(maps), (row, *count), unrounded)));
                }
            }
        }
        Ok(())
    }
}

/// Lets `values` leave as they are.
fn carried(values: &Tensor, away: &Away) -> Result<Lent, TchError> {
    let (lent, to) = away.memory.lend(&values.size(), values.f_kind()?)?;
    (away.carry)(&to, values)?;
    crossed(Crossing::Left, lent.bytes().len());
    Ok(lent)
}

/// Refuses values that are not finite, `each` an image, the first of which is image `first` of its split.
pub(crate) fn finite(values: &[f32], each: usize, what: impl Fn() -> String, first: u64) -> Result<(), UnitError> {
    // Without an early end, so that the compiler takes many values at once: a fifth of the time.
    let found = values.iter().fold(false, |found, value| found | (value.to_bits() & EXPONENT == EXPONENT));
    if !found {
        return Ok(());
    }
    let at = values.iter().position(|value| !value.is_finite()).unwrap_or(0);
    Err(UnitError::NotFinite { what: what(), image: first + (at / each.max(1)) as u64 })
}

/// Bits of the exponent of a number in single precision: all are set in NaN and infinity alone.
const EXPONENT: u32 = 0xff << 23;

#[cfg(test)]
mod tests;

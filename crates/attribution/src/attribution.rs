//! Result of a method: maps, and the change of the logit that they explain.

use tch::{Kind, TchError, Tensor};

/// Maps of a batch of images and, of methods that distribute a change, how well they did.
#[derive(Debug)]
pub struct Attribution {
    /// Maps `[n, c, h, w]`.
    pub map: Tensor,
    /// Change `F(x) - F(b)` `[n]` of the target logit, to which the map of a complete method should sum.
    pub change: Option<Tensor>,
}

impl Attribution {
    /// A map that should sum to `change`.
    pub(crate) fn complete(map: Tensor, change: Tensor) -> Self {
        Self { map, change: Some(change) }
    }

    /// The convergence delta `[n]`, Captum's `compute_convergence_delta`: the sum of the map minus the
    /// change, in double precision.
    pub fn delta(&self) -> Result<Option<Tensor>, TchError> {
        let Some(change) = &self.change else { return Ok(None) };
        let sum = self.map.f_sum_dim_intlist([1_i64, 2, 3].as_slice(), false, Kind::Double)?;
        Ok(Some(sum.f_sub(&change.f_to_kind(Kind::Double)?)?))
    }
}

impl From<Tensor> for Attribution {
    fn from(map: Tensor) -> Self {
        Self { map, change: None }
    }
}

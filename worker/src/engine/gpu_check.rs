//! Check of a GPU against the processor of the same machine, before any map of the GPU counts.

use network::{Graph, models};
use sweep::group::{Group, Precision};
use tch::{Device, Kind};

use crate::unit_error::UnitError;

/// Compares logits and a gradient of `graph`, which computes the model of `group` on `device`, with those of the processor.
///
/// # Errors
/// [`UnitError::Disagrees`] where they differ by more than the rounding of the group's precision.
pub(crate) fn processor(graph: &Graph, group: &Group, device: Device) -> Result<(), UnitError> {
    if device == Device::Cpu {
        return Ok(());
    }
    let reference = models::open_set(&group.model, group.weights_and_set(), (Device::Cpu, Kind::Float))?;
    let [_, height, width] = group.shape.map(|side| side as i64);
    match graph.differs_from(&reference, [height, width], device, bits(group.numerics.precision))? {
        Some(how) => Err(UnitError::Disagrees(how)),
        None => Ok(()),
    }
}

/// Bits of the mantissa that products are rounded to.
fn bits(precision: Precision) -> i32 {
    match precision {
        Precision::Float64 => 53,
        Precision::Float32 => 24,
        Precision::Tf32 | Precision::Float16 => 11,
        Precision::Bfloat16 => 8,
    }
}

//! Models that a measurement asks for beside the model of the group.

use std::cell::Cell;

use evaluation::Randomised;
use network::Graph;
use sweep::group::Group;
use tch::{Device, TchError};

use crate::engine::proofs::ProofCache;
use crate::libtorch::numerics;
use crate::unit_error::UnitError;

/// Model of `group` with the layers drawn anew that `choice` names. Seed and layer decide the weights: neither shard nor device shows.
pub(super) fn randomised(
    graph: &Graph,
    (group, device): (&Group, Device),
    choice: Randomised,
) -> Result<Graph, UnitError> {
    let numbers = |layer: usize, count: usize| Randomised::numbers(group.numerics.seed, layer, count);
    let has_any = Cell::new(false);
    let is_drawn = |layer, layers| {
        let is_drawn = choice.is_drawn(layer, layers);
        has_any.set(has_any.get() || is_drawn);
        is_drawn
    };
    let mut drawn = graph.randomised(&is_drawn, &numbers)?;
    if !has_any.get() {
        // The model would count as one that has forgotten.
        let Randomised { step, steps, .. } = choice;
        return Err(TchError::Shape(format!("portion {step} of {steps} has no layer, expected fewer `steps`")).into());
    }
    if device != Device::Cpu && numerics::on_tensor_cores(group.numerics.precision) {
        drawn = drawn.channels_last()?;
    }
    // What is proved of a model holds for all weights of these shapes.
    ProofCache::of(&drawn, group, device);
    Ok(drawn)
}

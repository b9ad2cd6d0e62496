//! Models that a measurement asks for beside the model of the group.

use evaluation::Randomised;
use network::Graph;
use sweep::group::Group;
use tch::Device;

use crate::engine::proof_cache::ProofCache;
use crate::libtorch::numerics;
use crate::unit_error::UnitError;

/// Model of `group` with the layers drawn anew that `choice` names. Seed and layer decide the weights: neither shard nor device shows.
pub(super) fn randomised(
    graph: &Graph,
    (group, device): (&Group, Device),
    choice: Randomised,
) -> Result<Graph, UnitError> {
    let numbers = |layer: usize, count: usize| Randomised::numbers(group.numerics.seed, layer, count);
    let mut drawn = graph.randomised(&|layer, layers| choice.is_drawn(layer, layers), &numbers)?;
    if device != Device::Cpu && numerics::on_tensor_cores(group.numerics.precision) {
        drawn = drawn.channels_last()?;
    }
    // What is proved of a model holds for all weights of these shapes.
    ProofCache::of(&drawn, group, device);
    Ok(drawn)
}

//! Models that compute maps again, in the precision of their group and in double precision.

use network::Graph;
use sweep::group::{Group, Numerics, Precision};
use tch::Device;

use crate::engine::Engine;
use crate::unit_error::UnitError;

/// The model of a group, computed operation by operation: what is to be shown is not asked to show itself.
pub(super) struct Engines {
    own: Engine,
    double: Engine,
}

impl Engines {
    pub(super) fn new(device: Device) -> Self {
        Self { own: Engine::new(device), double: Engine::new(device) }
    }

    /// Model in the precision of `group`.
    pub(super) fn own(&mut self, group: &Group) -> Result<&Graph, UnitError> {
        plain(&mut self.own, group)
    }

    /// Model in double precision.
    pub(super) fn double(&mut self, group: &Group) -> Result<&Graph, UnitError> {
        let numerics = Numerics { precision: Precision::Float64, ..group.numerics };
        plain(&mut self.double, &Group { numerics, variants: Vec::new(), ..group.clone() })
    }
}

fn plain<'a>(engine: &'a mut Engine, group: &Group) -> Result<&'a Graph, UnitError> {
    let graph = engine.graph(group)?;
    graph.lower_no_more("what is verified is computed operation by operation");
    Ok(graph)
}

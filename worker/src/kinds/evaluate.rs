//! Evaluation: measurements of the maps of a shard as the store has them, and scores of the measurements.

use sweep::unit::Unit;

use super::{Entry, Loaded, Read};
use crate::engine::{Computation, Engine};
use crate::link::connection::Grant;
use crate::stages::computed::Computed;
use crate::stages::reader::{Reader, Shard};
use crate::unit_error::UnitError;

pub(super) const ENTRY: Entry = Entry { carries: |unit| unit.kind.as_ref() == "evaluate", read };

fn read(reader: &mut Reader, unit: &Unit, tag: &str) -> Read {
    let mut shard = reader.missing(unit, tag)?;
    shard.masks = reader.masks(&unit.group, shard.index)?;
    Ok(Box::new(Evaluation(shard)))
}

struct Evaluation(Shard);

impl Loaded for Evaluation {
    fn compute(
        &self,
        grant: &Grant,
        engine: &mut Engine,
        stop: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Computed),
    ) -> Result<Computation, UnitError> {
        engine.evaluate(&grant.unit.group, &self.0, stop, emit)
    }
}

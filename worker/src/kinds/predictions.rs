//! Predictions: images, labels and predictions of a shard, which come before all maps of the shard.

use sweep::unit::{Piece, Unit};

use super::{Entry, Loaded, Read};
use crate::engine::{Computation, Engine};
use crate::link::connection::Grant;
use crate::stages::computed::Computed;
use crate::stages::reader::{Reader, Shard};
use crate::unit_error::UnitError;

pub(super) const ENTRY: Entry =
    Entry { carries: |unit| unit.kind.as_ref() == "attribute" && unit.piece == Some(Piece::Predictions), read };

fn read(reader: &mut Reader, unit: &Unit, tag: &str) -> Read {
    Ok(Box::new(Predictions(reader.missing(unit, tag)?)))
}

struct Predictions(Shard);

impl Loaded for Predictions {
    fn compute(
        &self,
        grant: &Grant,
        engine: &mut Engine,
        stop: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Computed),
    ) -> Result<Computation, UnitError> {
        engine.compute((&grant.unit.group, &self.0, &grant.batches), &|_| false, stop, emit)
    }
}

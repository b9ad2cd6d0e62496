//! Attribution: maps of the variants of a shard, with its images, labels and predictions where the store lacks them.

use sweep::unit::{Piece, Unit};

use super::{Entry, Loaded, Read};
use crate::engine::{Computation, Engine};
use crate::link::connection::Grant;
use crate::stages::computed::Computed;
use crate::stages::reader::{Reader, Shard};
use crate::unit_error::UnitError;

pub(super) const ENTRY: Entry = Entry { carries, read };

fn carries(unit: &Unit) -> bool {
    unit.kind.as_ref() == "attribute" && unit.piece != Some(Piece::Predictions)
}

fn read(reader: &mut Reader, unit: &Unit, tag: &str) -> Read {
    Ok(Box::new(Attribution(reader.missing(unit, tag)?)))
}

struct Attribution(Shard);

impl Loaded for Attribution {
    fn compute(
        &self,
        grant: &Grant,
        engine: &mut Engine,
        stop: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Computed),
    ) -> Result<Computation, UnitError> {
        let unit = &grant.unit;
        engine.compute((&unit.group, &self.0, &grant.batches), &|variant| unit.has(variant), stop, emit)
    }
}

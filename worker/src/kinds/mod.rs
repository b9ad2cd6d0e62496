//! Kinds of work, each with what a worker does for a unit of the kind: one file a kind and one line in [`KINDS`].
//!
//! A unit goes through three stages that overlap with those of other units. A kind says what is read for a unit, what the device
//! does with that, and what the store gets; when, and in which thread, is the pipeline's.

mod attribute;
mod evaluate;
mod means;
mod predictions;

use sweep::unit::Unit;

use crate::engine::{Computation, Engine};
use crate::link::connection::Grant;
use crate::stages::computed::Computed;
use crate::stages::reader::Reader;
use crate::unit_error::UnitError;

/// Every kind of work that this worker does.
pub(crate) const KINDS: &[&Entry] = &[&attribute::ENTRY, &evaluate::ENTRY, &means::ENTRY, &predictions::ENTRY];

/// Result of reading a unit.
pub(crate) type Read = Result<Box<dyn Loaded>, UnitError>;

/// A kind of work.
pub(crate) struct Entry {
    /// Whether a unit is of this kind. Each unit is of one kind of the list.
    pub(crate) carries: fn(&Unit) -> bool,
    /// First stage: reads what the unit needs. The text is a tag for the names of unfinished files.
    pub(crate) read: fn(&mut Reader, &Unit, &str) -> Read,
}

/// Input of a unit, as it was read.
pub(crate) trait Loaded: Send {
    /// Second stage: computes on the engine's device, and gives all that is to be written to `emit`, in the order of
    /// writing. Between two batches the computation ends with [`UnitError::Stopped`] if `stop` says so.
    fn compute(
        &self,
        grant: &Grant,
        engine: &mut Engine,
        stop: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Computed),
    ) -> Result<Computation, UnitError>;
}

/// Finds the kind of `unit` among `kinds`.
pub(crate) fn of<'a>(kinds: &[&'a Entry], unit: &Unit) -> Result<&'a Entry, UnitError> {
    let kind = kinds.iter().copied().find(|kind| (kind.carries)(unit));
    kind.ok_or_else(|| UnitError::UnknownKind { unit: unit.id() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sweep::group::Dtype;
    use sweep::unit::{Part, Piece};

    use super::*;
    use crate::example;

    #[test]
    fn every_unit_is_of_one_kind() {
        let group = Arc::new(example::group("none".as_ref(), Dtype::Float32));
        let of = |kind, part, piece| Unit { piece, ..Unit::of(Arc::clone(&group), kind, part) };
        let unit = |part, piece| of("attribute", part, piece);
        let units = [
            of("means", Part::Whole, None),
            of("evaluate", Part::Shard(0), None),
            unit(Part::Shard(0), None),
            unit(Part::Shard(0), Some(Piece::Predictions)),
            unit(Part::Shard(0), Some(Piece::Pass)),
            unit(Part::Shard(0), Some(Piece::Variant("Saliency".into()))),
        ];
        for unit in units {
            assert_eq!(KINDS.iter().filter(|kind| (kind.carries)(&unit)).count(), 1, "{}", unit.id());
        }
    }
}

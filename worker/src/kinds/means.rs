//! Mean images of a group, once all of its shards are in the store. The device has nothing to do.

use store::write_means;
use sweep::unit::Unit;

use super::{Entry, Loaded, Read};
use crate::engine::{Computation, Engine};
use crate::link::connection::Grant;
use crate::stages::computed::Computed;
use crate::stages::reader::Reader;
use crate::unit_error::UnitError;

pub(super) const ENTRY: Entry = Entry { carries: |unit| unit.kind.as_ref() == "means", read };

fn read(reader: &mut Reader, unit: &Unit, _tag: &str) -> Read {
    Ok(Box::new(Means { labels: reader.labels(&unit.group)? }))
}

struct Means {
    /// Labels of the group's images; empty where an image has more than one.
    labels: Vec<i64>,
}

impl Loaded for Means {
    fn compute(
        &self,
        _grant: &Grant,
        _engine: &mut Engine,
        _stop: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Computed),
    ) -> Result<Computation, UnitError> {
        let labels = self.labels.clone();
        emit(Computed::Act(Box::new(move |group, shards| Ok(write_means(group, &labels, shards)?))));
        Ok(Computation::default())
    }
}

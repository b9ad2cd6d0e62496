//! The kind `means`: mean images of a group, once all of its maps exist.

use std::sync::Arc;

use sweep::unit::{Part, Unit};

use super::attribute::Attribute;
use super::kind::{Kind, Lacking, Repeated};
use super::siblings::Siblings;

/// Means of a group over all of its images, and over the images of each class.
#[derive(Clone, Copy, Debug)]
pub struct GroupMeans;

impl Kind for GroupMeans {
    fn name(&self) -> &'static str {
        "means"
    }

    fn repeated(&self) -> Repeated {
        Repeated::SameBytes
    }

    fn units(&self, lacking: &Lacking<'_>) -> Vec<Unit> {
        // Whether means are in a store is not looked at: a store is marked complete after them.
        let unit = || Unit::of(Arc::clone(lacking.group), self.name(), Part::Whole);
        (!lacking.complete).then(unit).into_iter().collect()
    }

    fn after(&self, _unit: &Unit, siblings: &Siblings<'_>) -> Vec<u32> {
        siblings.all().filter(|(_, unit)| unit.kind == Attribute.name()).map(|(index, _)| index).collect()
    }

    fn bereft(&self) -> &'static str {
        "a shard of its group was given up"
    }

    fn is_first(&self, _unit: &Unit) -> bool {
        true
    }
}

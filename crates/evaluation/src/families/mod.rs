//! Families of measurements: one file and one line in [`FAMILIES`] each.

mod again;
mod changes;
mod curve;
mod family;
mod other_class;
mod shape;
mod soft;
mod subsets;
mod sums;

use sweep::parameters::Parameters;
use sweep::variant;

pub(crate) use again::{Again, Quantity};
pub(crate) use changes::Changes;
pub(crate) use curve::Curve;
pub use family::{Cost, Family};
pub(crate) use other_class::{CLASS, OtherClass, SIMILARITIES};
pub(crate) use shape::{QUANTITIES, Shape};
pub(crate) use soft::Soft;
pub(crate) use sums::Sums;

/// Every family.
pub const FAMILIES: &[&dyn Family] = &[&Curve, &Shape, &Changes, &Sums, &Again, &OtherClass, &Soft];

/// Finds the family called `name`.
pub fn find(name: &str) -> Option<&'static dyn Family> {
    FAMILIES.iter().copied().find(|family| family.name() == name)
}

/// Key of a measurement in stores: the family, and the parameters that differ from their defaults.
pub(crate) fn key(family: &dyn Family, parameters: &Parameters) -> String {
    let default = |name: &str| {
        let declared = family.parameters().iter().find(|parameter| parameter.name == name);
        declared.and_then(|parameter| parameter.default.as_ref()?.value())
    };
    let other = parameters.0.iter().filter(|(name, value)| default(name).as_ref() != Some(value));
    let other = Parameters(other.map(|(name, value)| (name.clone(), value.clone())).collect());
    variant::key(family.name(), &other)
}

#[cfg(test)]
mod tests;

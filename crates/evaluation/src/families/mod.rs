//! Families of measurements: one file and one line in [`FAMILIES`] each.

mod again;
mod curve;
mod family;
mod inside;
mod others;
mod shape;
mod soft;
mod subsets;

use sweep::parameters::Parameters;
use sweep::variant;

pub(crate) use again::{Again, Quantity};
pub(crate) use curve::Curve;
pub use family::{Cost, Family};
pub(crate) use inside::{Inside, MASKS, OF_OBJECT, TOP_PIXELS};
pub(crate) use others::agreement::{Agreement, TOP, WITH};
pub(crate) use others::other_class::{CLASS, OtherClass};
pub(crate) use others::other_model::{ABS, LAYERS, NUMBERS, OtherModel, portions};
pub use others::randomised::{Order, Randomised};
pub(crate) use others::similarity::SIMILARITIES;
pub(crate) use shape::{QUANTITIES, Shape};
pub(crate) use soft::Soft;
pub(crate) use subsets::changes::Changes;
pub(crate) use subsets::sums::Sums;

/// Every family.
pub const FAMILIES: &[&dyn Family] =
    &[&Curve, &Shape, &Changes, &Sums, &Again, &OtherClass, &Soft, &OtherModel, &Agreement, &Inside];

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

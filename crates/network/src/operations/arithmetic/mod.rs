//! Sums, products and comparisons of values, and choices by a condition.

pub(super) mod compare;
pub(super) mod masked;
pub(super) mod rounded;
pub(super) mod two_values;
pub(super) mod with_constant;

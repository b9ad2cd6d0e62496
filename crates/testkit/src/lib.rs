//! Tools for tests of every crate: damaged files, a meter of memory, and builders of groups and variants.

pub mod group;
pub mod hostile;

//! Parts of libtorch that tch does not offer: numerics of GPUs, events, and the meaning of errors and panics.

pub(crate) mod copy;
pub(crate) mod error_texts;
pub(crate) mod event;
pub(crate) mod numerics;
pub(crate) mod panics;

/// Release of libtorch that tch 0.24 is built for, and that `make setup` installs.
pub(crate) const LIBTORCH: &str = "2.11.0";

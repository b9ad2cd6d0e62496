//! The link to the scheduler: the handshake, heartbeats, grants in, results out, and the end of the job, before which all is given back.

pub(crate) mod caller;
pub(crate) mod connection;
mod granted_units;
pub(crate) mod leaving;
pub(crate) mod listener;
pub(crate) mod place;
mod sight;

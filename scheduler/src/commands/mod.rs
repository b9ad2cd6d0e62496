//! Commands of the program: running a sweep, and questions about a sweep.

pub(crate) mod adopt;
mod args;
mod check;
pub(crate) mod clean;
pub(crate) mod demo;
pub(crate) mod export;
pub(crate) mod init;
pub(crate) mod retry;
pub(crate) mod scores;
pub(crate) mod status;
mod survey;
pub(crate) mod sweep;
pub(crate) mod verify;
pub(crate) mod view;

pub(crate) use args::SweepArgs;

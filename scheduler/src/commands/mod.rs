//! Commands of the program: those that start a sweep, and those that act on the stores of a sweep.

mod args;
mod starting;
mod stores;
mod survey;

pub(crate) use args::SweepArgs;
pub(crate) use starting::{adopt, demo, init, retry, submit, sweep};
pub(crate) use stores::{clean, export, report, scores, status, verify, view};

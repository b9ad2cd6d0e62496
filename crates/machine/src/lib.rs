//! This machine as its kernel describes it: processor, memory, control groups, processes, threads.
//!
//! The only crate that reads files of `/proc` and `/sys`. Each module splits the text of a file in a function of its own, so
//! that tests give it texts that were recorded (`tests/recorded`). A file that is missing, or that has another form, is never
//! an error: the function returns nothing, zero or an empty text, as its comment says.

pub mod boot;
pub mod cores;
mod fields;
pub mod gpu_driver;
pub mod memory;
pub mod network;
pub mod process;
pub mod processor;
pub mod this_process;
pub mod threads;

//! The scheduler: reads a config, checks everything, and drives workers until every map is written.
//!
//! This library holds the programs [`programs`] and what they do; each program is a few lines that call it.

mod commands;
mod core;
mod lock;
pub mod programs;
mod run;
mod seen;
mod tell;

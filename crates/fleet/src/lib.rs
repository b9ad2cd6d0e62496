//! Workers: started by launchers, heard over TCP. Used by everything that needs a device; links no libtorch.
//!
//! A launcher starts and ends processes. Every worker calls back over TCP, proves that it knows a token, and speaks JSON
//! lines, so that neither pipes nor exit codes of a launcher need to be trusted.

mod callers;
mod error;
mod event;
mod fleet;
mod health;
pub mod launchers;
mod prober;
mod roster;
mod slot;
mod worker_program;

pub use error::FleetError;
pub use event::{Event, WorkerId};
pub use fleet::{Fleet, Settings};
pub use health::PERIOD;
pub use health::condition::Condition;
pub use health::gauge::{Gauge, Reading};
pub use health::nvml::NvmlGauge;
pub use launchers::local::memory_budget::budgets;
pub use launchers::{Ended, Reservation, Survivor};
pub use prober::{Lost, Prober};
pub use roster::{survivors, waiting, workers};
pub use slot::Slot;
pub use worker_program::Worker;

//! Starting and hearing workers. Used by everything that needs a device; links no libtorch.
//!
//! Launchers only start processes. Every worker calls back over TCP with a token and speaks JSON
//! lines, so that neither pipes nor exit codes of a launcher need to be trusted.

mod ask;
mod devices;
mod error;
mod fleet;
mod free;
mod health;
mod hearing;
pub mod launchers;
mod porch;
mod prober;
mod reservation;
mod roll;

pub use ask::Worker;
pub use devices::{Slot, limited, slots, without_gpu};
pub use error::FleetError;
pub use fleet::{Event, Fleet, Settings};
pub use free::budgets;
pub use health::{Condition, Gauge, NvmlGauge, PERIOD, Reading};
pub use hearing::WorkerId;
pub use launchers::Ended;
pub use prober::{Lost, Prober};
pub use reservation::Reservation;
pub use roll::{Survivor, survivors};

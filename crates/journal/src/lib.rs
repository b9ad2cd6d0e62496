//! Journal of the sweeps of an output folder: workers, attempts, times and failures.
//!
//! The journal is a history for people, in SQLite, which any tool opens (`sqlite3 attrisweep-journal.sqlite`). The stores
//! are the ledger: losing the journal loses history, and the number of tries that units have behind them. So whatever
//! happens to the journal (damaged, foreign, on a full disk), a sweep continues at the same speed, with one warning.

mod aside;
mod error;
mod history;
mod insert;
mod open;
mod row;
mod spent;
mod writer;

pub use aside::{damaged_files, file};
pub use error::JournalError;
pub use history::{Count, Failed, History, Speed, Sweep, UnderWay};
pub use row::{Ended, Event, INTERRUPTED, SweepStart};
pub use spent::{Begun, Spent};
pub use writer::Journal;

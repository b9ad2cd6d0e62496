//! The journal of the sweeps of an output folder: who did what, when, how long, and what went wrong.
//!
//! A history for people, in SQLite, which any tool opens (`sqlite3 attrisweep-journal.sqlite`). The stores are the
//! ledger: losing what stands here loses history, and tries that units have behind them. So whatever happens to the
//! journal (damaged, foreign, on a full disk), a sweep goes on at the same speed, with one warning.

mod aside;
mod error;
mod history;
mod open;
mod row;
mod writer;

pub use aside::{damaged_files, file};
pub use error::JournalError;
pub use history::{Count, Failed, History, Speed, Sweep, UnderWay};
pub use row::{Ended, Event, INTERRUPTED, SweepStart};
pub use writer::Journal;

//! Chapters of the page of a report.

mod cost;
mod csv;
mod group;
mod noises;
mod origin;
mod overview;
mod scores;
mod sheets;
mod statistics;

pub(super) use cost::cost;
pub(super) use csv::Csv;
pub(super) use group::group;
pub(super) use noises::noises;
pub(super) use origin::{cite, facts, origin};
pub(super) use overview::overview;
pub(super) use statistics::METHODS;

/// Groups up to which all are shown unfolded.
pub(super) const OPEN: usize = 6;

/// A number for people; a dash where there is none.
fn told(number: Option<f64>) -> String {
    number.map_or_else(|| "–".to_owned(), pictures::figures::short)
}

/// A share in percent; a dash where there is none.
fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

/// Time in the largest unit that fits.
fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 120.0 => format!("{seconds:.1} s"),
        seconds if seconds < 7200.0 => format!("{:.1} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

//! Plain lines on how far a sweep is, where no picture can be drawn: in a file, a pipe, or a terminal without arts.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use page::Told;

use crate::tell::duration;

/// Time between two lines.
const PAUSE: Duration = Duration::from_secs(30);
/// Time between two lines while no map is finished.
const QUIET: Duration = Duration::from_mins(5);

/// Lines on standard error.
#[derive(Clone, Debug)]
pub(super) struct Lines(Arc<Mutex<Last>>);

/// Last line: the time of writing, and the number of maps in the line.
#[derive(Debug)]
struct Last {
    at: Instant,
    maps: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Last { at: Instant::now(), maps: 0 })))
    }
}

impl Lines {
    /// Writes the first line.
    pub(super) fn begin(&self, told: &Told) {
        if told.maps > 0 {
            self.line(told);
        }
    }

    /// Writes a line if the last one is old.
    pub(super) fn look(&self, told: &Told) {
        let due = {
            let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            last.at.elapsed() >= if told.done == last.maps { QUIET } else { PAUSE }
        };
        if due {
            self.line(told);
        }
    }

    fn line(&self, told: &Told) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Last { at: Instant::now(), maps: told.done };
        // If standard error is closed, nobody hears it.
        let _ = writeln!(std::io::stderr(), "{}", state(told));
    }
}

/// State of a sweep in one line. Before anything is known of the time that is left, the line says nothing of the time.
pub(super) fn state(told: &Told) -> String {
    let mut parts = vec![format!("{}/{} maps", told.done, told.maps)];
    parts.extend(told.rate.map(|rate| format!("{rate:.1}/s")));
    parts.extend(told.left.map(|left| match told.unknown {
        0 => format!("about {} left", duration(left)),
        unknown => format!("about {} left, and {unknown} units of unknown time", duration(left)),
    }));
    if !told.failed.is_empty() {
        parts.push(format!("{} units failed", told.failed.len()));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_anything_is_known_there_is_no_forecast() {
        let mut told = Told { maps: 40, ..Told::default() };
        assert_eq!(state(&told), "0/40 maps");
        (told.done, told.rate, told.left) = (10, Some(1.25), Some(200.0));
        assert_eq!(state(&told), "10/40 maps, 1.2/s, about 3 min left");
        told.unknown = 2;
        assert_eq!(state(&told), "10/40 maps, 1.2/s, about 3 min left, and 2 units of unknown time");
    }
}

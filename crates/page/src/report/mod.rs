//! Report on the stores of a folder: one page without a script, its figures as SVG and its numbers as CSV, in a folder, a zip or one file.
//!
//! | where | what |
//! |---|---|
//! | `aside` | place beside the report, where the report is written |
//! | `target` | the report in each form: put in place when it is whole |
//! | `groups` | groups of a folder, and the images and maps of one of them |
//! | `numbers` | magnitudes of maps, and likeness of maps to each other |
//! | `parts` | chapters of the page |
//! | `page` | the page itself, piece by piece |
//!
//! Maps are read one by one, of one group at a time. What stays in memory is the small pictures of one sheet, numbers of pixels of a sample,
//! and text.

mod aside;
mod error;
mod form;
mod groups;
mod numbers;
mod page;
mod parts;
mod target;

use std::path::PathBuf;

use store::{Described, StoreError};
use sweep::evaluation::Direction;

pub use error::ReportError;
pub use form::Form;
pub use target::MOST_IN_ONE;

use page::Page;
use parts::Csv;
use target::Target;

/// Wishes for a report.
pub struct Wishes<'a> {
    /// Folder of stores.
    pub folder: PathBuf,
    /// Place of the report.
    pub to: PathBuf,
    /// Form of the report.
    pub form: Form,
    /// Number of images on the sheet of a group.
    pub images: usize,
    /// Number of images of a group from which statistics of maps are taken.
    pub sample: usize,
    /// Function that reads the scores of a store; `None` for a store that has none.
    pub scores: &'a dyn Fn(&Described) -> Result<Option<Scores>, StoreError>,
    /// History of the sweeps that made the stores, or the reason for which the history is not known.
    pub history: Result<History, String>,
}

/// Averages of the scores of one store.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    /// Names of the scores, and which of two is the better one.
    pub columns: Vec<(String, Direction)>,
    /// Methods, with an average for each score (`None` where the method is not scored) and the mean of their ranks.
    pub rows: Vec<(String, Vec<Option<Score>>, Option<f64>)>,
    /// Table as CSV, with more numbers.
    pub csv: String,
}

/// Average of one score over images.
#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    /// Mean over the images whose score is defined; `None` where there is none.
    pub mean: Option<f64>,
    /// Standard error of the mean.
    pub standard_error: Option<f64>,
    /// Number of images whose score is undefined.
    pub undefined: u64,
    /// Number of images that are not scored yet.
    pub missing: u64,
    /// Whether no other method has a better mean.
    pub best: bool,
}

/// History of the sweeps that made the stores of a folder.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Sweeps in the order of their beginnings.
    pub sweeps: Vec<Sweep>,
    /// Sums over the attempts of each device.
    pub devices: Vec<Spent>,
}

/// A sweep. Times are seconds since 1970.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// Version of the program.
    pub program: String,
    /// Config file.
    pub config: String,
    /// SHA-256 of the text of the config, in hexadecimal.
    pub config_sha256: String,
    /// Time of the beginning.
    pub started: f64,
    /// Time of the end; `None` for a sweep that runs or was killed.
    pub ended: Option<f64>,
    /// Outcome, in a word or a sentence.
    pub outcome: Option<String>,
}

/// Work of one device in all sweeps of a folder.
#[derive(Clone, Debug)]
pub struct Spent {
    /// Name of the device.
    pub device: String,
    /// Number of maps that were made.
    pub maps: u64,
    /// Seconds in which the device had a unit, whatever became of the unit.
    pub held: f64,
    /// Seconds of computing, of units that were done.
    pub computing: f64,
    /// Seconds of computing, of the units that made maps.
    pub mapping: f64,
    /// Bytes that were written.
    pub bytes: u64,
    /// Number of attempts that failed or were lost.
    pub failed: u64,
}

/// Result of writing a report, with the parts that could not be written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    /// Groups of the report.
    pub groups: usize,
    /// Groups that are not complete.
    pub unfinished: usize,
    /// Stores that cannot be read, in whole or in part.
    pub unreadable: usize,
    /// Bytes of the report.
    pub bytes: u64,
}

/// Writes a report. What is at its place is replaced if it is a report.
///
/// # Errors
/// [`ReportError`] where there is no store, where something else is at the place, or where it cannot be written. A store that cannot be
/// read is no error: the report says so.
pub fn write(wishes: &Wishes<'_>) -> Result<Written, ReportError> {
    let found = groups::of_folder(&wishes.folder);
    if found.is_empty() {
        return Err(ReportError::NoStores { folder: wishes.folder.clone() });
    }
    let mut page = Page::new(Target::begin(&wishes.to, wishes.form)?);
    let mut methods = Csv::new(&parts::METHODS);
    page.begin(&wishes.folder);
    parts::overview(&mut page, &found)?;
    parts::noises(&mut page, &found, wishes)?;
    parts::cost(&mut page, wishes.history.as_ref())?;
    page.open_chapter("groups", "Groups");
    let mut written = Written { groups: found.len(), ..Written::default() };
    let open = found.len() <= parts::OPEN;
    for group in &found {
        written.unfinished += usize::from(!group.is_complete());
        let told = parts::group(&mut page, group, (wishes, open), &mut methods);
        written.unreadable += usize::from(!told?);
    }
    page.table_file("tables/methods.csv", "All statistics of maps of all groups", &methods.text)?;
    page.close_chapter();
    parts::origin(&mut page, &found, wishes);
    parts::cite(&mut page, &found);
    written.bytes = page.finish(&parts::facts(&found))?;
    Ok(written)
}

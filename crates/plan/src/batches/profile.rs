//! Profile of batch sizes, `preflight_profile.json`: memory and speed of variants on a kind of device, as preflight or a
//! sweep measured them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use files::FileError;
use files::shared_json::{self, FolderLock};
use serde::{Deserialize, Serialize};
use sweep::group::{Group, Precision};
use sweep::memory::{Bound, Line};
use sweep::parameters::Parameters;
use sweep::problem::not_json;
use sweep::semantics::Semantics;
use sweep::variant::Variant;

/// Share of the memory above that of the model which is left free by default.
pub const MARGIN: f64 = 0.1;

/// Version of the file.
const VERSION: u32 = 1;

/// Subject of a measurement, which gives the same on any machine with such a device, for any images of the size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Product name of the device; for a processor with the number of threads.
    pub device: String,
    /// Type that the network computes in.
    pub precision: Precision,
    /// Whether batch norms are part of the convolutions before them: fewer values are kept.
    #[serde(default)]
    pub fold_batch_norm: bool,
    /// Shape of an image, `[channels, height, width]`.
    pub shape: [usize; 3],
    /// Model architecture.
    pub model: String,
    /// Number of classes.
    pub classes: usize,
    /// Size of the weights file in bytes: other layers under the same name show there.
    pub weights: u64,
    /// Key of the variant.
    pub key: String,
    /// Class of the method.
    pub class: String,
    /// Parameters of the variant, with defaults filled in.
    pub parameters: Parameters,
    /// Semantics of the method.
    pub semantics: Semantics,
}

impl Subject {
    /// Subject that `variant` of `group` is on a device of the kind `device`.
    pub fn of(group: &Group, variant: &Variant, device: &str) -> Self {
        Self {
            device: device.to_owned(),
            precision: group.numerics.precision,
            fold_batch_norm: group.numerics.fold_batch_norm,
            shape: group.shape,
            model: group.model.clone(),
            classes: group.classes,
            weights: fs::metadata(group.weights_of(variant)).map_or(0, |file| file.len()),
            key: variant.key.clone(),
            class: variant.class.clone(),
            parameters: variant.parameters.clone(),
            semantics: variant.semantics,
        }
    }

    /// Whether two subjects take the same memory and time. Files of the same weights differ in names and padding by less
    /// than a hundredth.
    pub fn is_like(&self, other: &Self) -> bool {
        let near = self.weights.abs_diff(other.weights) <= other.weights / 100;
        let Self { device, precision, fold_batch_norm, shape, model, classes, .. } = self;
        let Self { weights: _, key, class, parameters, semantics, .. } = self;
        let sizes = (*precision, *fold_batch_norm, *shape, *classes, *semantics);
        let names = [device, model, key, class];
        near && sizes == (other.precision, other.fold_batch_norm, other.shape, other.classes, other.semantics)
            && names == [&other.device, &other.model, &other.key, &other.class]
            && *parameters == other.parameters
    }
}

/// Origin of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A probe of preflight.
    Preflight,
    /// A worker, while it computed a sweep.
    Sweep,
}

/// Measurement of a subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Subject of the measurement.
    pub of: Subject,
    /// Images at once: the fewest within 3 % of the fastest, or as many as fit.
    pub batch: usize,
    /// Reason for which the batch is not larger.
    pub bound: Bound,
    /// Memory of the device in bytes, by batch.
    pub bytes: Line,
    /// Share of the memory above that of the model that the batch leaves free, if the batch is as large as fits.
    #[serde(default = "Entry::default_margin")]
    pub margin: f64,
    /// Images a second at that batch.
    pub images_per_second: f64,
    /// Origin of the measurement.
    pub by: Source,
    /// Date of the measurement, in RFC 3339.
    pub date: String,
    /// Program that measured.
    pub program: String,
    /// Version of libtorch.
    pub libtorch: String,
}

impl Entry {
    fn default_margin() -> f64 {
        MARGIN
    }
}

/// Date of now, as entries spell it.
pub fn now() -> String {
    spelled(SystemTime::now())
}

/// Spells `time`, which a clock may set to anything, as a time between 1970 and 9999.
fn spelled(time: SystemTime) -> String {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().min(LAST);
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + since).to_string()
}

/// Name of this program, as entries spell it.
pub fn program() -> String {
    format!("attrisweep {}", env!("CARGO_PKG_VERSION"))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    entries: Vec<Entry>,
}

/// Measurements of all variants, on any device.
#[derive(Clone, Debug)]
pub struct Profile {
    file: PathBuf,
    libtorch: String,
    entries: Vec<Entry>,
    /// Entries that were added since the file was read or written last, as others write the file, too.
    new: Vec<Entry>,
    /// Whether `file` holds something else that must not be lost.
    damaged: bool,
}

impl Profile {
    /// Reads `file`, which may be missing; with a sentence if the file is of no use.
    pub fn read(file: PathBuf, libtorch: &str) -> (Self, Option<String>) {
        let read = entries(&file);
        let sentence = read.as_ref().err().map(|reason| {
            let file = file.display();
            format!("the profile `{file}` cannot be used ({reason}); it is put aside once there is a new one")
        });
        let (damaged, entries) = (read.is_err(), read.unwrap_or_default());
        (Self { file, libtorch: libtorch.to_owned(), entries, new: Vec::new(), damaged }, sentence)
    }

    /// Finds the measurement of `subject` by this program and this libtorch.
    pub fn find(&self, subject: &Subject) -> Option<&Entry> {
        self.current().find(|entry| entry.of.is_like(subject))
    }

    /// Entries of this program and this libtorch.
    pub fn current(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.program == program() && entry.libtorch == self.libtorch)
    }

    /// Version of libtorch whose measurements count.
    pub fn libtorch(&self) -> &str {
        &self.libtorch
    }

    /// Puts `entry` in place of the known measurement of its subject.
    pub fn put(&mut self, entry: Entry) {
        replace(&mut self.entries, entry.clone());
        replace(&mut self.new, entry);
    }

    /// Writes the file, whole or not at all. Entries that others have written meanwhile stay in the file.
    pub fn save(&mut self) -> Result<(), FileError> {
        let _lock = FolderLock::of(&self.file);
        if std::mem::take(&mut self.damaged) {
            shared_json::set_damaged_aside(&self.file);
        } else if let Ok(written) = entries(&self.file)
            && !written.is_empty()
        {
            self.entries = written;
            self.new.iter().for_each(|entry| replace(&mut self.entries, entry.clone()));
        }
        shared_json::write(&self.file, &File { version: VERSION, entries: self.entries.clone() })?;
        self.new.clear();
        Ok(())
    }
}

/// Puts `entry` in place of those of its subject.
fn replace(entries: &mut Vec<Entry>, entry: Entry) {
    entries.retain(|known| !known.of.is_like(&entry.of));
    entries.push(entry);
}

/// Reads the entries of `file`, none if the file does not exist; the error says why the file is of no use.
fn entries(file: &Path) -> Result<Vec<Entry>, String> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(|error| error.to_string())?,
    };
    match serde_json::from_str(&text).map_err(|error| not_json(&error))? {
        File { version: VERSION, entries } => Ok(entries),
        File { version, .. } => Err(format!("version {version}, expected {VERSION}")),
    }
}

#[cfg(test)]
mod tests;

//! Place of a report: a folder, a zip or one file. It is written aside, and put in place when it is whole.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use pictures::figures::base64;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::aside::Aside;
use super::error::ReportError;
use super::form::Form;

/// Bytes of a report in one file at most: browsers take long for larger ones, or give up.
pub const MOST_IN_ONE: u64 = 20_000_000;

/// File by which a report is known.
const MARK: &str = "report.json";
/// Beginning of a report in one file.
pub(super) const HEAD: &str = "<!doctype html>\n<!-- a report of attrisweep -->\n";

enum Kind {
    Folder,
    Zip(Box<ZipWriter<File>>),
    OneFile,
}

/// Report while it is written.
pub(super) struct Target {
    kind: Kind,
    to: PathBuf,
    aside: Aside,
    bytes: u64,
}

impl Target {
    /// Begins a report that is to be at `to`.
    pub(super) fn begin(to: &Path, form: Form) -> Result<Self, ReportError> {
        if to.symlink_metadata().is_ok() && !is_report(to, form) {
            return Err(ReportError::Taken { place: to.to_owned() });
        }
        let aside = Aside::begin(to, form)?;
        let failed = |source| ReportError::Write { path: aside.path.clone(), source };
        let kind = match form {
            Form::Folder => Kind::Folder,
            Form::Zip => Kind::Zip(Box::new(ZipWriter::new(aside.file().map_err(failed)?))),
            Form::OneFile => Kind::OneFile,
        };
        Ok(Self { kind, to: to.to_owned(), aside, bytes: 0 })
    }

    /// Adds a file, and gives the address by which the page reaches it.
    pub(super) fn add(&mut self, name: &str, media: &str, bytes: &[u8]) -> Result<String, ReportError> {
        self.bytes += bytes.len() as u64;
        match &mut self.kind {
            Kind::Folder => {
                let path = self.aside.path.join(name);
                let failed = |source| ReportError::Write { path: path.clone(), source };
                path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
                fs::write(&path, bytes).map_err(failed)?;
            }
            Kind::Zip(zip) => {
                let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
                let path = || self.to.clone();
                zip.start_file(name, options).map_err(|source| ReportError::Zip { path: path(), source })?;
                zip.write_all(bytes).map_err(|source| ReportError::Write { path: path(), source })?;
            }
            Kind::OneFile => {
                // Four letters for three bytes, which were counted once.
                self.bytes += bytes.len() as u64 / 3;
                self.check(0)?;
                return Ok(format!("data:{media};base64,{}", base64(bytes)));
            }
        }
        Ok(name.to_owned())
    }

    /// Refuses one file that would be too large with so many bytes of text.
    fn check(&self, text: u64) -> Result<(), ReportError> {
        let bytes = self.bytes + text;
        if matches!(self.kind, Kind::OneFile) && bytes > MOST_IN_ONE {
            return Err(ReportError::Large { bytes, most: MOST_IN_ONE / 1_000_000 });
        }
        Ok(())
    }

    /// Writes the page and its facts, and puts the report in place. Returns the number of bytes.
    pub(super) fn finish(mut self, page: &str, facts: &str) -> Result<u64, ReportError> {
        self.check(page.len() as u64)?;
        let to = self.to.clone();
        let failed = |source| ReportError::Write { path: to.clone(), source };
        if matches!(self.kind, Kind::OneFile) {
            fs::write(&self.aside.path, page).map_err(failed)?;
            self.bytes += page.len() as u64;
        } else {
            self.add("index.html", "text/html", page.as_bytes())?;
            self.add(MARK, "application/json", facts.as_bytes())?;
        }
        if let Kind::Zip(zip) = std::mem::replace(&mut self.kind, Kind::OneFile) {
            zip.finish().map_err(|source| ReportError::Zip { path: to.clone(), source })?;
        }
        self.aside.put_in_place(&to).map_err(failed)?;
        Ok(self.bytes)
    }
}

/// Whether a report of this form is at `place`.
fn is_report(place: &Path, form: Form) -> bool {
    // Other programs have pages of these names, too.
    let is_page = |page: &mut dyn Read| {
        let mut head = vec![0; HEAD.len()];
        page.read_exact(&mut head).is_ok() && head == HEAD.as_bytes()
    };
    let is_page_at = |path: &Path| File::open(path).is_ok_and(|mut page| is_page(&mut page));
    match form {
        Form::Folder => place.join(MARK).is_file() && is_page_at(&place.join("index.html")),
        Form::Zip => File::open(place).ok().and_then(|file| ZipArchive::new(file).ok()).is_some_and(|mut zip| {
            zip.index_for_name(MARK).is_some() && zip.by_name("index.html").is_ok_and(|mut page| is_page(&mut page))
        }),
        Form::OneFile => is_page_at(place),
    }
}

//! Reasons for which a journal cannot be used.

use std::io;
use std::path::PathBuf;

/// Reason for which a journal cannot be used. Only history depends on a journal.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants are")]
pub enum JournalError {
    #[error("the journal `{}`: {}", file.display(), in_a_line(source))]
    Sqlite { file: PathBuf, source: rusqlite::Error },
    #[error("the journal `{}` is {what}", file.display())]
    Unusable { file: PathBuf, what: String },
    /// The file belongs to another program or to a newer version, and is sound.
    #[error("the journal `{}` is {what}", file.display())]
    NotOurs { file: PathBuf, what: String },
    #[error("the journal `{}` cannot be put aside as `{}`", file.display(), aside.display())]
    Aside { file: PathBuf, aside: PathBuf, source: io::Error },
}

impl JournalError {
    /// Whether a new file in its place would help: this file is damaged, or belongs to somebody else.
    pub(crate) fn is_of_this_file(&self) -> bool {
        use rusqlite::ErrorCode::{ConstraintViolation, DatabaseCorrupt, NotADatabase, TypeMismatch, Unknown};
        match self {
            Self::Unusable { .. } | Self::NotOurs { .. } => true,
            // Text where a number should be, tables that are not there or not ours, triggers: the schema is not ours.
            Self::Sqlite { source, .. } => source.sqlite_error_code().is_none_or(|code| {
                matches!(code, DatabaseCorrupt | NotADatabase | ConstraintViolation | TypeMismatch | Unknown)
            }),
            Self::Aside { .. } => false,
        }
    }
}

/// Describes the error, with the message of SQLite behind, without the statement, which has many lines.
fn in_a_line(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseCorrupt, DiskFull, NotADatabase, PermissionDenied, ReadOnly, SystemIoFailure,
    };
    let said = match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    };
    let words = match error.sqlite_error_code() {
        Some(ReadOnly | PermissionDenied) => "you may not write it, or its folder: look at its owner and mode",
        Some(CannotOpen) => "it, or its folder, cannot be opened",
        Some(DatabaseBusy) => "another process has been writing to it for longer than this one waits",
        Some(DatabaseCorrupt | NotADatabase) => "it is damaged",
        Some(DiskFull) => "its disk is full",
        Some(SystemIoFailure) => "its disk failed to read or write",
        _ => return format!("it is not as this program writes it (SQLite: {said})"),
    };
    format!("{words} (SQLite: {said})")
}

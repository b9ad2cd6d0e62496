//! Why a journal cannot be used.

use std::io;
use std::path::PathBuf;

/// Why a journal cannot be used. Nothing depends on it but history.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants are")]
pub enum JournalError {
    #[error("the journal `{}`: {source}", file.display())]
    Sqlite { file: PathBuf, source: rusqlite::Error },
    #[error("the journal `{}` is {what}", file.display())]
    Unusable { file: PathBuf, what: String },
    #[error("the journal `{}` cannot be put aside as `{}`", file.display(), aside.display())]
    Aside { file: PathBuf, aside: PathBuf, source: io::Error },
}

impl JournalError {
    /// Whether another file in its place would do: this one is damaged or somebody else's.
    pub(crate) fn is_of_this_file(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Self::Unusable { .. } => true,
            Self::Sqlite { source: rusqlite::Error::SqliteFailure(error, _), .. } => {
                matches!(error.code, DatabaseCorrupt | NotADatabase)
            }
            // Text where a number should be, a column that is not there: the schema is not ours.
            Self::Sqlite { source, .. } => source.sqlite_error().is_none(),
            Self::Aside { .. } => false,
        }
    }
}

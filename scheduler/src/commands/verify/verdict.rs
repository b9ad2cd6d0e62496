//! Verdict over all stores, and the exit code that follows from the verdict.

use plan::exit::{Code, Failure};

use crate::tell::say;

/// Verdict over all stores together.
#[derive(Default)]
pub(super) struct Verdict {
    pub(super) unsound: usize,
    pub(super) absent: bool,
    /// Whether an unsound file was left where it is, as its store is of another version.
    pub(super) kept: bool,
    /// Sentences on what could not be compared.
    pub(super) unknown: Vec<String>,
}

/// Says how all stores are, and gives the exit code.
pub(super) fn conclude(verdict: &Verdict, redo: bool) -> Result<Code, Failure> {
    for line in &verdict.unknown {
        say(&format!("{line}\n"));
    }
    let failure = |code, text: String| Err(Failure { code, text });
    match (verdict.unsound, verdict.absent) {
        (0, false) if verdict.unknown.is_empty() => {
            say("Everything is there and sound.\n");
            Ok(Code::Complete)
        }
        (0, _) if !verdict.unknown.is_empty() => {
            failure(Code::Unsound, "nothing unsound was found, but not everything could be compared".to_owned())
        }
        (0, _) => failure(Code::Incomplete, "what is there is sound; the sweep is not complete".to_owned()),
        (count, _) if verdict.kept => failure(
            Code::Unsound,
            format!(
                "{count} files were unsound; move the stores away of which nothing was removed, and run the sweep again"
            ),
        ),
        (count, _) if redo => failure(Code::Unsound, format!("{count} files were unsound; run the sweep again")),
        (count, _) => failure(
            Code::Unsound,
            format!("{count} files are unsound; --redo removes them, and the next run makes them anew"),
        ),
    }
}

//! `scheduler report`: what the stores of a folder have, as a page that needs no server.

use std::path::{Path, PathBuf};

use page::report::{self, Form, History, ReportError, Score, Scores, Spent, Sweep, Wishes};
use plan::exit::{Code, Failure};
use store::{Described, StoreError};

use super::scores;
use crate::tell::say;

/// Exit codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    the report is written
  1    the report is written; some stores are not complete, or cannot be read
  2    wrong arguments
  3    the folder has no stores, or the report is too large for one file
  4    something else is at the place of the report; nothing happened to it
  6    the report cannot be written";

/// Writes a report on the stores of a folder: a page with images, maps, statistics, scores, costs and origins, and its figures and tables
///
/// The stores stay as they are, complete or not, in whichever format they are. An earlier report at the same place is replaced.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of stores
    #[arg(value_name = "OUTPUTS", default_value = "outputs", value_hint = clap::ValueHint::DirPath)]
    folder: PathBuf,

    /// Place of the report [default: attrisweep-report, with .zip or .html if need be]
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    to: Option<PathBuf>,

    /// Write one zip in place of a folder
    #[arg(long, conflicts_with = "one_file")]
    zip: bool,

    /// Write one HTML file that has everything in itself, of 20 MB at most
    #[arg(long)]
    one_file: bool,

    /// So many images on the sheet of each group
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=200))]
    images: u64,

    /// Statistics of maps from so many images of each group
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    sample: u64,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    if !args.folder.is_dir() {
        let text = format!("`{}` is no folder, expected one that has stores", args.folder.display());
        return Err(Failure { code: Code::Config, text });
    }
    let (form, name) = match args {
        Args { zip: true, .. } => (Form::Zip, "attrisweep-report.zip"),
        Args { one_file: true, .. } => (Form::OneFile, "attrisweep-report.html"),
        _ => (Form::Folder, "attrisweep-report"),
    };
    let to = args.to.clone().unwrap_or_else(|| PathBuf::from(name));
    let written = report::write(&Wishes {
        folder: args.folder.clone(),
        to: to.clone(),
        form,
        images: args.images as usize,
        sample: args.sample as usize,
        scores: &scores_of,
        history: history(&args.folder),
    })
    .map_err(|error| failure(&error))?;
    let open = if form == Form::Folder { to.join("index.html") } else { to };
    say(&format!("written   {}  {} groups, {:.1} MB\n", open.display(), written.groups, written.bytes as f64 / 1e6));
    if written.unfinished > 0 {
        say(&format!("{} groups are not complete; the report says what is missing\n", written.unfinished));
    }
    if written.unreadable > 0 {
        say(&format!("{} stores cannot be read, or not all of them; the report says why\n", written.unreadable));
    }
    Ok(if written.unfinished + written.unreadable == 0 { Code::Complete } else { Code::Incomplete })
}

/// Scores of a store, as `scheduler scores` computes them.
fn scores_of(described: &Described) -> Result<Option<Scores>, StoreError> {
    let Some(table) = scores::of_store(described)? else { return Ok(None) };
    let csv = scores::csv(&table);
    let score = |cell: &scores::Cell| Score {
        mean: cell.mean,
        standard_error: cell.standard_error,
        undefined: cell.undefined,
        missing: cell.missing,
        best: cell.best,
    };
    let columns = table.columns.into_iter().map(|column| (column.score, column.direction)).collect();
    let row =
        |row: scores::Row| (row.method, row.cells.iter().map(|cell| cell.as_ref().map(score)).collect(), row.mean_rank);
    Ok(Some(Scores { columns, rows: table.rows.into_iter().map(row).collect(), csv }))
}

/// Reads the history of the sweeps of `folder` from its journal. The error is one sentence.
fn history(folder: &Path) -> Result<History, String> {
    let file = journal::file(folder);
    let missing = || format!("there is no journal `{}`", file.display());
    let read = || -> Result<Option<History>, journal::JournalError> {
        let Some(history) = journal::History::open(&file)? else { return Ok(None) };
        let sweep = |of: journal::Begun| {
            let journal::Begun { program, config, config_sha256, started, ended, outcome } = of;
            Sweep { program, config, config_sha256, started, ended, outcome }
        };
        let spent = |of: journal::Spent| {
            let journal::Spent { device, maps, held, computing, mapping, bytes, failed, .. } = of;
            Spent { device, maps, held, computing, mapping, bytes, failed }
        };
        let sweeps = history.sweeps()?.into_iter().map(sweep).collect();
        Ok(Some(History { sweeps, devices: history.spent()?.into_iter().map(spent).collect() }))
    };
    read().map_err(|error| error.to_string())?.ok_or_else(missing)
}

/// Failure of a program that wrote no report.
fn failure(error: &ReportError) -> Failure {
    let code = match error {
        ReportError::NoStores { .. } | ReportError::Large { .. } => Code::Config,
        ReportError::Taken { .. } => Code::Mismatch,
        ReportError::Write { .. } | ReportError::Zip { .. } | ReportError::Picture(_) => Code::Storage,
    };
    Failure { code, text: error.to_string() }
}

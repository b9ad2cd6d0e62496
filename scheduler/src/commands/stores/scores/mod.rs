//! `scheduler scores`: the scores of every store of a config as tables, for people and for papers.

pub(crate) mod best;
mod forms;
mod lacking;
mod read;
mod table;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use files::durable;
use plan::exit::{Code, Failure};

use crate::commands::args::ConfigArg;
use crate::commands::survey;
use crate::tell::say;
use store::{Described, StoreError};
use table::Table;
pub(super) use table::{Cell, Row};

/// Exit codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    the tables are printed and written
  1    some stores have no scores yet, or not all that the config asks for
  2    wrong arguments
  3    mistakes in the config
  6    a store cannot be read, or a file cannot be written";

/// Prints a table of methods and scores of each store, and writes all of them as CSV, JSON, Markdown and LaTeX
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArg,

    /// Folder of scores.csv, scores.json, scores.md and scores.tex, if it is not that of the stores
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    to: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let survey = survey::survey(&args.config)?;
    lacking::check(&survey.config, &survey.stores)?;
    let (mut tables, mut left, mut notes) = (Vec::new(), 0, String::new());
    for surveyed in &survey.stores {
        let described = match &surveyed.state {
            Ok(described) => described.as_deref(),
            Err(error) => return Err(Failure { code: Code::Storage, text: error.to_string() }),
        };
        let found = described.filter(|described| !described.group.evaluation.scores.is_empty());
        if let Some(described) = found {
            let table = read::table(&surveyed.name, described)?;
            let lacks = lacking::lacking(&survey.config, surveyed, described);
            left += u64::from(!table.is_whole() || !lacks.is_empty());
            tables.push(table);
            if !lacks.is_empty() {
                let _ = writeln!(notes, "lacks     {}: {}", surveyed.folder.display(), lacks.join(", "));
            }
        } else {
            left += 1;
            say(&format!("left out  {}: it has no scores yet\n", surveyed.folder.display()));
        }
    }
    for table in &tables {
        say(&forms::text(table));
    }
    say(&notes);
    if !tables.is_empty() {
        write(args.to.as_ref().unwrap_or(&survey.config.paths.output_dir), &tables)?;
    }
    Ok(if left == 0 { Code::Complete } else { Code::Incomplete })
}

/// Table of the scores of a store; `None` where it has none.
pub(super) fn of_store(described: &Described) -> Result<Option<Table>, StoreError> {
    if described.group.evaluation.scores.is_empty() {
        return Ok(None);
    }
    read::table(&described.group.name(), described).map(Some)
}

/// A table as CSV, one line for each method and score.
pub(super) fn csv(table: &Table) -> String {
    forms::csv(std::slice::from_ref(table))
}

/// Writes `tables` in every form.
fn write(folder: &Path, tables: &[Table]) -> Result<(), Failure> {
    durable::create_folders(folder)?;
    let tag = format!("scores-{}", std::process::id());
    let forms = [
        ("scores.csv", forms::csv(tables)),
        ("scores.json", forms::json(tables)),
        ("scores.md", forms::markdown(tables)),
        ("scores.tex", forms::latex(tables)),
    ];
    for (name, text) in forms {
        let file = folder.join(name);
        durable::put(&file, text.as_bytes(), &tag)?;
        say(&format!("written   {}\n", file.display()));
    }
    Ok(())
}

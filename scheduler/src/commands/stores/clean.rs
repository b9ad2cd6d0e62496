//! `scheduler clean`: removes what runs leave behind and nobody needs.

use std::fs;
use std::path::{Path, PathBuf};

use plan::exit::{Code, Failure};
use store::FORMATS;

use crate::commands::args::ConfigArg;
use crate::commands::survey::{self, Survey};
use crate::lock;
use crate::tell::{Logs, say};

/// Removes unfinished files, logs and damaged journals; never a store, a result or a file of somebody else
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArg,

    /// Tell what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let survey = survey::survey(&args.config)?;
    let output = &survey.config.paths.output_dir;
    // A worker that is writing must not lose its file. There is nothing to lock where nothing was ever written.
    let locks = !args.dry_run && output.is_dir();
    let _lock = locks.then(|| lock::take(output)).transpose()?;
    let files = leftovers(&survey)?;
    let mut bytes = 0;
    for file in &files {
        bytes += fs::symlink_metadata(file).map_or(0, |metadata| metadata.len());
        let is_folder = fs::symlink_metadata(file).is_ok_and(|found| found.is_dir());
        let removed = match (args.dry_run, is_folder) {
            (true, _) => Ok(()),
            (false, true) => fs::remove_dir_all(file),
            (false, false) => fs::remove_file(file),
        };
        let failed =
            |error| Failure { code: Code::Storage, text: format!("cannot remove `{}`: {error}", file.display()) };
        removed.map_err(failed)?;
        say(&format!("{}\n", file.display()));
    }
    let verb = if args.dry_run { "would be removed" } else { "removed" };
    say(&format!("{} files {verb}, {:.1} MB\n", files.len(), bytes as f64 / 1e6));
    Ok(Code::Complete)
}

/// Files that are to be removed.
fn leftovers(survey: &Survey) -> Result<Vec<PathBuf>, Failure> {
    let paths = &survey.config.paths;
    let mut files = Vec::new();
    for store in &survey.stores {
        files.extend(FORMATS.leftovers(&FORMATS.folder(&store.folder)));
        // A store of somebody else is none of ours, whatever its name.
        if store.state.is_ok() && store.folder.is_dir() {
            files.extend(files::leftovers::find(&store.folder)?);
        }
    }
    files.extend(store::packed::temporary_files(&paths.output_dir));
    files.extend(data::mean::temporary_files(&paths.means_dir));
    let logs = Logs::find(paths);
    files.extend(named(&paths.log_dir, |name| logs.has(name)));
    files.extend(journal::damaged_files(&paths.output_dir));
    Ok(files)
}

/// Files of `folder` whose names are `ours`; links are not followed.
fn named(folder: &Path, ours: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut files: Vec<PathBuf> =
        files.filter(|entry| entry.file_name().to_str().is_some_and(&ours)).map(|entry| entry.path()).collect();
    files.sort();
    files
}

//! `attrisweep init`: a config for what lies in a folder.

mod data;
mod page;
mod weights;

use std::path::{Path, PathBuf};

use files::durable;
use fleet::Worker;
use plan::exit::{Code, Failure};

use crate::tell::say;

/// Depth below the folder down to which data and weights are looked for.
const DEPTH: usize = 3;

/// Entries of a folder that are looked at: a folder of pictures has more.
const ENTRIES: usize = 2000;

/// Writes a commented config for the data and the weights in a folder
///
/// Datasets are recognised by their formats, weights by their names, and models by their tensors where the names say nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder in which data and weights lie
    #[arg(value_name = "DIR", default_value = ".", value_hint = clap::ValueHint::DirPath)]
    folder: PathBuf,

    /// File that is written; it must not exist
    #[arg(long, value_name = "YAML", default_value = sweep::config::DEFAULT_FILE, value_hint = clap::ValueHint::FilePath)]
    to: PathBuf,

    /// Worker program, if it is not beside this one
    #[arg(long, value_name = "FILE", env = "ATTRISWEEP_WORKER")]
    worker: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let config = |text: String| Failure { code: Code::Config, text };
    if args.to.exists() {
        return Err(config(format!("`{}` is there already; `--to` names another file", args.to.display())));
    }
    let folders = folders(&args.folder, DEPTH)
        .map_err(|error| config(format!("cannot look into `{}`: {error}", args.folder.display())))?;
    let datasets = data::find(&folders);
    let weights = weights::find(&folders, &Worker::locate(args.worker.clone()))?;
    if datasets.is_empty() && weights.is_empty() {
        return Err(config(format!(
            "neither data nor weights were found in `{}` or {DEPTH} folders below it: expected datasets such as `data/bloodmnist.npz` \
             and weights such as `weights/weights_bloodmnist/resnet18_28_1.pth`",
            args.folder.display()
        )));
    }
    let page = page::page(&datasets, &weights);
    durable::put(&args.to, page.text.as_bytes(), &std::process::id().to_string())?;
    for line in &page.told {
        say(&format!("{line}\n"));
    }
    say(&format!("written  {}; `attrisweep check --config {0}` tells what it would do\n", args.to.display()));
    Ok(Code::Complete)
}

/// `folder` and those below it, down to `depth`, in the order of their names; hidden ones and stores are left out.
fn folders(folder: &Path, depth: usize) -> std::io::Result<Vec<PathBuf>> {
    let mut found = vec![folder.to_owned()];
    if depth == 0 {
        return Ok(found);
    }
    let mut below: Vec<PathBuf> = std::fs::read_dir(folder)?
        .flatten()
        .take(ENTRIES)
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !is_left_out(path))
        .collect();
    below.sort();
    for path in below {
        // A folder that may not be read has nothing for a sweep.
        found.extend(folders(&path, depth - 1).unwrap_or_default());
    }
    Ok(found)
}

fn is_left_out(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.starts_with('.') || name.starts_with("dataset-") || name.contains(".zarr")
}

/// Names directly in `folder`, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(ENTRIES);
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// `path` as a config names it: without the `./` of the working folder.
fn shown(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() }
}

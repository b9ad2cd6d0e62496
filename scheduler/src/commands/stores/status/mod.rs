//! `scheduler status`: how far a sweep is, whether it runs or not.
//!
//! Each part comes from where it cannot be wrong: the work that is done from the stores, the process that runs from the
//! lock, and failures from the journal.

mod history;
mod stores;
mod text;

use fleet::launchers;
use journal::History;
use plan::exit::{Code, Failure};

use sweep::problem::Problems;

use crate::commands::args::ConfigArg;
use crate::commands::survey;
use crate::lock::{self, Seen};
use crate::tell::say;
use history::{Elsewhere, Status, recall};
use stores::{StoreProgress, of_adopted, progress};
use text::told;

/// Tells how far every store is, who runs, what failed last, and when it will be over
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArg,

    /// Tell it as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let survey = survey::survey(&args.config)?;
    let output = &survey.config.paths.output_dir;
    let shard = survey.config.settings.store.shard;
    let mut stores: Vec<StoreProgress> =
        survey.stores.iter().map(|surveyed| progress(surveyed, &surveyed.keys, shard)).collect();
    stores.extend(survey.adopted.iter().map(|adopted| of_adopted(adopted, shard)));
    let (running, silent) = match lock::holder(output) {
        Seen::Runs(holder) => (Some(holder), None),
        Seen::Silent(holder) => (None, Some(holder)),
        Seen::Nobody => (None, None),
    };
    // A launcher with a mistake in its settings knows of no worker.
    let mut problems = Problems::new(&survey.config.file);
    let launcher = launchers::build(survey.config.settings.launcher.as_ref(), &mut problems);
    let waiting = if running.is_some() { fleet::waiting(output, launcher.as_ref()) } else { Vec::new() };
    let workers = if running.is_some() { fleet::workers(output) } else { Vec::new() };
    let waits = |slot: usize| waiting.iter().any(|(waiting, _)| *waiting == slot);
    // One whose job was put back into the queue has no process.
    let workers = workers.into_iter().filter(|(slot, _)| !waits(*slot));
    let workers = workers.map(|(slot, about)| Elsewhere { slot, about }).collect();
    let mut status = Status {
        waiting,
        workers,
        running,
        silent,
        stores,
        last_sweep: None,
        under_way: Vec::new(),
        failed: Vec::new(),
        speed: None,
        left: None,
        journal: None,
    };
    if let Err(error) = recall(&mut status, History::open(&journal::file(output))) {
        status.journal = Some(error.to_string());
    }
    if args.json {
        let text = serde_json::to_string_pretty(&status);
        let failed = |error: serde_json::Error| Failure { code: Code::Storage, text: error.to_string() };
        say(&(text.map_err(failed)? + "\n"));
    } else {
        say(&told(&status));
    }
    Ok(Code::Complete)
}

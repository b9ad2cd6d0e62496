//! `scheduler`: runs a sweep, and answers questions about it.
//!
//! Run it again after anything went wrong, and it goes on where it stopped.

use clap::{Parser, Subcommand};
use plan::exit::{Code, Failure};

use crate::commands::sweep::{Scope, sweep};
use crate::commands::{SweepArgs, adopt, clean, export, retry, scores, status, verify, view};

/// The documented codes, for `--help`.
pub(super) const HELP: &str = "\
Exit codes:
  0    everything that the config asks for is written
  1    some units failed; the rest is written, and the log says why
  2    wrong arguments
  3    mistakes in the config, or in the files that it names; nothing was started
  4    a store was computed from something else; nothing was touched
  5    no worker could be started or kept, or the address is taken
  6    the output or means folder cannot be written at the start: full, read-only, or in use by another scheduler
  130  interrupted; run the same command again to go on";

/// Runs an attribution sweep: every model, method, noise and dataset of a config file, on every device
///
/// Run it again after anything went wrong, and it goes on where it stopped.
#[derive(Debug, Parser)]
#[command(name = "scheduler", version, after_help = HELP)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    sweep: SweepArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell how far every store is, who runs, what failed and when it will be over
    Status(status::Args),
    /// Run the units that failed, and nothing else
    #[command(after_help = HELP)]
    Retry(retry::Args),
    /// Remove unfinished files, logs and damaged journals
    Clean(clean::Args),
    /// Read every store of the config back and list what is damaged or missing
    #[command(after_help = verify::HELP)]
    Verify(verify::Args),
    /// Check stores that other scripts have written, and compute what they lack beside them
    #[command(after_help = adopt::HELP)]
    Adopt(adopt::Args),
    /// Export finished stores, whole or in part, in the forms of other programs
    #[command(after_help = export::HELP)]
    Export(export::Args),
    /// Print tables of methods and scores, and write them for papers and programs
    #[command(after_help = scores::HELP)]
    Scores(scores::Args),
    /// Serve a page that shows stores: what is done, and images with their maps side by side
    #[command(after_help = view::HELP)]
    View(view::Args),
}

/// Runs what the command line asks for.
pub(super) fn run(cli: &Cli) -> Result<Code, Failure> {
    match &cli.command {
        None => sweep(&cli.sweep, Scope::Everything),
        Some(Command::Status(args)) => status::run(args),
        Some(Command::Retry(args)) => sweep(&args.sweep, Scope::Failed),
        Some(Command::Clean(args)) => clean::run(args),
        Some(Command::Verify(args)) => verify::run(args),
        Some(Command::Adopt(args)) => adopt::run(args),
        Some(Command::Export(args)) => export::run(args),
        Some(Command::Scores(args)) => scores::run(args),
        Some(Command::View(args)) => view::run(args),
    }
}

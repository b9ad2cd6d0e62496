//! The scheduler: reads a config, checks everything, and drives workers until every map is written.
//!
//! Run it again after anything went wrong, and it goes on where it stopped.

mod check;
mod commands;
mod core;
mod errands;
mod identity;
mod lock;
mod logging;
mod logs;
mod predictions;
mod progress;
mod recorder;
mod run;
mod sizing;
mod summary;
mod survey;
mod tasks;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use commands::{clean, retry, status, verify};
use plan::{Wishes, exit};

/// The documented codes, for `--help`.
const HELP: &str = "\
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
struct Cli {
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
}

#[derive(Debug, clap::Args)]
struct SweepArgs {
    /// Config file of the sweep
    #[arg(long, value_name = "YAML", default_value = sweep::config::DEFAULT_FILE, value_hint = clap::ValueHint::FilePath)]
    config: PathBuf,

    /// Check the config and the files that it names, tell what there is to do, and stop
    #[arg(long)]
    check: bool,

    /// Address on which workers call back; port 0 takes a free one
    ///
    /// Every worker must show a token that only this scheduler's workers are handed.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0", env = "ATTRISWEEP_LISTEN")]
    listen: String,

    /// What a worker on the CPU may hold, such as 2GiB, whatever the config says; enforced
    #[arg(long, value_name = "SIZE", value_parser = sweep::memory::parse)]
    memory: Option<u64>,

    /// At most so many images of each split
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,

    /// Folder of the stores, whatever the config says
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    output: Option<PathBuf>,

    /// Compute on this GPU only, as nvidia-smi counts them, whatever the config says
    #[arg(long, value_name = "INDEX")]
    gpu_id: Option<u32>,

    /// File of batch sizes, whatever the config says; the profile lies beside it
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    results: Option<PathBuf>,

    /// Worker program, if it is not beside this one
    #[arg(long, value_name = "FILE", env = "ATTRISWEEP_WORKER")]
    worker: Option<PathBuf>,

    /// Seconds without a word after which a worker is taken for lost
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    lease: u64,
}

impl SweepArgs {
    fn wishes(&self) -> Wishes {
        Wishes {
            memory: self.memory,
            gpu: self.gpu_id,
            limit: self.limit,
            output: self.output.clone(),
            results: self.results.clone(),
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        None => sweep(&cli.sweep, Scope::Everything),
        Some(Command::Status(args)) => status::run(args),
        Some(Command::Retry(args)) => sweep(&args.sweep, Scope::Failed),
        Some(Command::Clean(args)) => clean::run(args),
        Some(Command::Verify(args)) => verify::run(args),
    };
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => {
            exit::tell(&failure);
            failure.code.into()
        }
    }
}

/// What of the missing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Everything,
    Failed,
}

fn sweep(cli: &SweepArgs, scope: Scope) -> Result<exit::Code, exit::Failure> {
    let worker = fleet::Worker::locate(cli.worker.clone());
    let mut checked = plan::check(&cli.config, &worker, &cli.wishes())?;
    if cli.check {
        for warning in &checked.warnings {
            let _ = writeln!(std::io::stderr(), "warning: {warning}");
        }
        check::tell(&checked);
        return Ok(exit::Code::Complete);
    }
    let mut lock = lock::take(&checked.config.paths.output_dir)?;
    checked.reserve()?;
    let progress = progress::Progress::default();
    let logs = logging::start(&checked.config.paths, &progress)?;
    for warning in &checked.warnings {
        tracing::warn!("{warning}");
    }
    let probes = checked.config.preflight.enabled;
    // Until the sweep listens itself.
    let interruptible = probes.then(preflight::Interruptible::begin);
    if probes {
        probe(&mut checked, &worker)?;
    }
    checked.meet_expectations(&worker)?;
    // Preflight may have taken long, or this process been stopped.
    lock.again(&|| true)?;
    let mut plan = checked.begin()?;
    if scope == Scope::Failed
        && let Some(code) = retry::choose(&mut plan)?
    {
        return Ok(code);
    }
    let settings = fleet::Settings {
        listen: cli.listen.clone(),
        slots: plan.slots.clone(),
        logs: plan.config.paths.log_dir.join(logs.worker()),
        lease: Duration::from_secs(cli.lease),
        access: plan.config.paths.output_dir.join(protocol::access::ACCESS),
        sweep: identity::of(&plan),
    };
    let batches = plan.batches.clone();
    drop(interruptible);
    run::run((&plan, scope == Scope::Failed, lock), batches, worker, settings, &progress)
}

/// Finds the batch sizes that no profile knows, before the sweep. A variant that could not be measured is swept with a
/// cautious one: the reason that is told now comes again if it is one.
fn probe(checked: &mut plan::Checked, worker: &fleet::Worker) -> Result<(), exit::Failure> {
    checked.compute_means()?;
    // It may take minutes: whoever watches sees what it does.
    let tell = |line: &str| {
        tracing::info!("{line}");
        let _ = writeln!(std::io::stderr(), "{line}");
    };
    let options = preflight::Options { trusts: true, ..preflight::Options::default() };
    let summary = preflight::run(checked, worker, options, &tell)?;
    for (what, why) in &summary.failed {
        tracing::warn!("no batch size was found for {what}: {why}");
    }
    tracing::info!(found = summary.found, known = summary.known, seconds = summary.seconds, "preflight is done");
    Ok(())
}

//! Preflight: finds the batch of every variant that is fastest and safe on the devices of a config.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use fleet::Worker;
use plan::Wishes;
use plan::exit::{self, Code, Failure};
use preflight::{Interruptible, Options};

mod rehearsal;

/// The documented codes, for `--help`.
const HELP: &str = "\
Exit codes:
  0    every batch size is known; with full_test, everything was written and read back
  1    some could not be found; the rest is written
  2    wrong arguments
  3    mistakes in the config, or in the files that it names; nothing was started
  4    a store was computed from something else
  5    no worker could be started
  6    a file cannot be written
  130  interrupted; run the same command again to go on";

/// Finds the batch of every variant of a config that is fastest and safe, on each kind of device
///
/// Writes `preflight_check.results_path` (model -> method key -> images), by default `preflight_results.json` in the
/// output folder, and beside it `preflight_profile.json`, which says for each kind of device what a batch takes and how
/// fast it is. Only what these do not know is measured.
#[derive(Debug, Parser)]
#[command(name = "preflight", version, after_help = HELP)]
struct Cli {
    /// Config file of the sweep
    #[arg(long, value_name = "YAML", default_value = sweep::config::DEFAULT_FILE, value_hint = clap::ValueHint::FilePath)]
    config: PathBuf,

    /// What to do
    #[arg(long, value_enum, default_value_t = Mode::BatchSize)]
    mode: Mode,

    /// Measure and compute on this GPU only, as nvidia-smi counts them, whatever the config says
    #[arg(long, value_name = "INDEX")]
    gpu_id: Option<u32>,

    /// What a worker on the CPU may hold, such as 2GiB; enforced
    #[arg(long, value_name = "SIZE", value_parser = sweep::memory::parse)]
    memory: Option<u64>,

    /// Percent of the memory above that of the model that stay free [default: as chosen before, at first 10]
    ///
    /// The profile remembers it, and a sweep keeps to it.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=90))]
    margin: Option<u8>,

    /// Measure also what is known
    #[arg(long)]
    force: bool,

    /// Seconds that one measurement may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    patience: u64,

    /// Seconds that a worker may do nothing at all before it is taken for hung
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    stillness: u64,

    /// Worker program, if it is not beside this one
    #[arg(long, value_name = "FILE", env = "ATTRISWEEP_WORKER")]
    worker: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Mode {
    /// Find batch sizes
    BatchSize,
    /// Run the whole path on two images of every group into a folder that is removed again, and read it back
    FullTest,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.mode {
        Mode::BatchSize => probe(&cli),
        Mode::FullTest => rehearsal::run(&cli),
    };
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => {
            exit::tell(&failure);
            failure.code.into()
        }
    }
}

fn probe(cli: &Cli) -> Result<Code, Failure> {
    let worker = Worker::locate(cli.worker.clone());
    let mut checked =
        plan::check(&cli.config, &worker, &Wishes { memory: cli.memory, gpu: cli.gpu_id, ..Wishes::default() })?;
    checked.reserve()?;
    for warning in &checked.warnings {
        say(&format!("warning: {warning}"));
    }
    let _interruptible = Interruptible::begin();
    checked.compute_means()?;
    let options = Options {
        margin: cli.margin.map(|percent| f64::from(percent) / 100.0),
        force: cli.force,
        // Whoever runs this program wants it measured.
        trusts: false,
        patience: Duration::from_secs(cli.patience),
        stillness: Duration::from_secs(cli.stillness),
    };
    let summary = preflight::run(&mut checked, &worker, options, &say)?;
    let file = checked.batches.results_file();
    let place = if file.exists() { format!("Batch sizes are in {}.\n", file.display()) } else { String::new() };
    // If standard output is closed, nobody wants to know.
    let _ = write!(std::io::stdout(), "{}{place}", summary.text());
    Ok(if summary.failed.is_empty() { Code::Complete } else { Code::Incomplete })
}

/// A line for whoever watches. If standard error is closed, nobody does.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

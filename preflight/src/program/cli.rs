//! The command line of preflight.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

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
pub struct Cli {
    /// Config file of the sweep
    #[arg(long, value_name = "YAML", default_value = sweep::config::DEFAULT_FILE, value_hint = clap::ValueHint::FilePath)]
    pub(crate) config: PathBuf,

    /// What to do
    #[arg(long, value_enum, default_value_t = Mode::BatchSize)]
    pub(crate) mode: Mode,

    /// Measure and compute on this GPU only, as nvidia-smi counts them, whatever the config says
    #[arg(long, value_name = "INDEX")]
    pub(crate) gpu_id: Option<u32>,

    /// What a worker on the CPU may hold, such as 2GiB; enforced
    #[arg(long, value_name = "SIZE", value_parser = sweep::memory::parse)]
    pub(crate) memory: Option<u64>,

    /// Percent of the memory above that of the model that stay free [default: as chosen before, at first 10]
    ///
    /// The profile remembers it, and a sweep keeps to it.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=90))]
    pub(crate) margin: Option<u8>,

    /// Measure also what is known
    #[arg(long)]
    pub(crate) force: bool,

    /// Seconds that one measurement may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) patience: u64,

    /// Seconds that a worker may do nothing at all before it is taken for hung
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) stillness: u64,

    /// Measure the devices of this machine, though the config has a launcher of other machines
    #[arg(long)]
    pub(crate) here: bool,

    /// Threads of a worker on the CPU, whatever the config says
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,

    /// Worker program, if it is not beside this one
    #[arg(long, value_name = "FILE", env = "ATTRISWEEP_WORKER")]
    pub(crate) worker: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// Find batch sizes
    BatchSize,
    /// Run the whole path on two images of every group into a folder that is removed again, and read it back
    FullTest,
}

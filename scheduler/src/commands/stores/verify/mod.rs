//! `scheduler verify`: reads every store of a config back, and lists what is to be done anew.

mod read;
mod report;
mod sample;
mod verdict;

use std::num::NonZero;
use std::thread::available_parallelism;

use plan::exit::{Code, Failure};

use crate::commands::args::ConfigArg;
use crate::commands::survey;
use crate::lock;
use read::read;
use report::{redo, tell, tell_adopted};
use verdict::{Verdict, conclude};

/// The documented codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0   everything that the config asks for is there and sound
  1   what is there is sound, and something is not there yet
  2   wrong arguments
  3   mistakes in the config
  6   a store cannot be read; with --redo also: it cannot be written, or a scheduler is running
  7   something is there that must not be used, and the same command with --redo has it done anew; or something could
      not be compared, as the dataset, the weights or the worker is not there";

/// Reads every shard of every store back: checksums, shapes, types, NaN and infinity, labels, means, metadata.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    config: ConfigArg,

    /// Images of each store that are made again, and on which the model is run again; 0 for none, and for no maps
    ///
    /// One map of each variant at least is computed again, too, by plain operations. Needs a worker program; all other checks do
    /// not.
    #[arg(long, value_name = "N", default_value_t = 4)]
    sample: u64,

    /// Seconds for which further maps of each store are computed again [default: 20, and 300 for all stores together]
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,

    /// Which images are in the sample
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,

    /// Remove what is damaged, so that the next run makes it anew; no scheduler may be running
    #[arg(long)]
    redo: bool,

    /// Files that are read at once [default: one a core]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,

    /// Worker program, if it is not beside this one
    #[arg(long, value_name = "FILE", env = "ATTRISWEEP_WORKER")]
    worker: Option<std::path::PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let survey = survey::survey(&args.config)?;
    // Held to the end: nobody may write what is being removed.
    let lock = args.redo.then(|| lock::take(&survey.config.paths.output_dir)).transpose()?;
    let threads = args.threads.or_else(|| available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN);
    let mut verdict = Verdict::default();
    let mut stores = Vec::new();
    for surveyed in &survey.stores {
        stores.extend(read(&survey, surveyed, threads, &mut verdict)?);
    }
    if args.sample > 0 {
        let worker = fleet::Worker::locate(args.worker.clone());
        let sample = sample::Sample {
            images: args.sample,
            seed: args.seed,
            threads: threads.get(),
            seconds: seconds(args.seconds, stores.len()),
        };
        verdict.unknown.extend(sample::compare(&survey, &mut stores, &worker, sample));
    }
    for adopted in &survey.adopted {
        tell_adopted(adopted, &mut verdict);
    }
    for store in &mut stores {
        store.report.findings.sort();
        store.report.findings.dedup();
        tell(store, &mut verdict);
        if let Some(lock) = &lock {
            if let Some(text) = lock.lost() {
                return Err(Failure { code: Code::Storage, text });
            }
            verdict.kept |= !redo(store)?;
        }
    }
    conclude(&verdict, args.redo)
}

/// Seconds that the maps of each store may take, of this number of `stores`.
fn seconds(asked: Option<u64>, stores: usize) -> f64 {
    const EACH: f64 = 20.0;
    const ALL: f64 = 300.0;
    asked.map_or_else(|| EACH.min(ALL / stores.max(1) as f64), |seconds| seconds as f64)
}

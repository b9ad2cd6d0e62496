//! `scheduler adopt`: stores that another program has written are checked, recorded, and completed beside.

mod compare;
mod examine;
mod told;

use std::num::NonZero;
use std::thread::available_parallelism;

use plan::Wishes;
use plan::adoption::Adoption;
use plan::exit::{Code, Failure};

use super::sweep::{Scope, sweep};
use crate::commands::args::SweepArgs;
use crate::lock;
use crate::tell::say;
use examine::{Examined, examine};

/// The documented codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    every store of another program is adopted, and what they lack is written beside
  1    they are adopted; some units failed, the rest is written, and the log says why
  2    wrong arguments
  3    mistakes in the config, or in the files that it names; nothing was started
  4    a store was computed from something else; nothing was touched
  5    no worker could be started or kept, or the address is taken
  6    the output or means folder cannot be read or written, or is in use by another scheduler
  7    a store is not what its name says, and was not adopted; nothing was computed
  130  interrupted; run the same command again to go on";

/// Checks stores that other scripts have written, records what was adopted, and computes what they lack into stores beside
///
/// The stores themselves are never written to. With `--check`, nothing is written at all.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) sweep: SweepArgs,

    /// Images of each store that are predicted again, and whose maps are computed again
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=4096))]
    sample: u64,

    /// Seconds for which further maps of each store are computed again
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    seconds: u64,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let worker = fleet::Worker::locate(args.sweep.worker.clone());
    let wishes = Wishes { adopts: true, ..args.sweep.wishes() };
    let mut checked = plan::check(&args.sweep.config, &worker, &wishes)?;
    if checked.theirs.is_empty() {
        say("No store of another program is among the stores of this config.\n");
    }
    // Held to the end of the adoption: nobody may begin a sweep between what is checked and what is recorded.
    let lock = (!args.sweep.check && !checked.theirs.is_empty())
        .then(|| lock::take(&checked.config.paths.output_dir))
        .transpose()?;
    if lock.is_some() {
        checked.compute_means()?;
    }
    let mut examined: Vec<Examined<'_>> =
        checked.theirs.iter().map(|theirs| examine(&checked.config, theirs, args.sample)).collect();
    let threads = available_parallelism().unwrap_or(NonZero::<usize>::MIN).get();
    compare::compare(&mut examined, &worker, (args.seconds, threads))?;
    let mut refused = 0;
    for examined in &examined {
        say(&told::text(examined));
        match examined.record(checked.config.settings.mean_of) {
            Some(record) if lock.is_some() => {
                let (folder, name) = (&checked.config.paths.output_dir, examined.theirs.group.name());
                record.write(&Adoption::file(folder, &name))?;
            }
            Some(_) => {}
            None => {
                refused += 1;
                if lock.is_some() {
                    // What was adopted before counts no more.
                    Adoption::remove(&Adoption::file(&checked.config.paths.output_dir, &examined.theirs.group.name()))?;
                }
            }
        }
    }
    drop(lock);
    if refused > 0 {
        let (all, advice) = (examined.len(), "move them away to have their groups computed, and run the command again");
        let text =
            format!("{refused} of {all} stores of another program were not adopted; nothing was computed ({advice})");
        return Err(Failure { code: Code::Unsound, text });
    }
    if args.sweep.check { Ok(Code::Complete) } else { sweep(&args.sweep, Scope::Everything) }
}

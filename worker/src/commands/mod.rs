//! The commands of the worker program, one file or folder each. All but `run` print an answer as JSON and end.

mod catalogue;
mod catalogue_page;
mod dry_run;
mod expect;
mod inspect;
mod probe;
mod run;
mod verify;

use std::io::Write;

use clap::Subcommand;

use crate::device;
use crate::exit::Exit;
use crate::link::caller::Args;

/// A command and its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print what this build can compute, as JSON
    Catalogue {
        /// Print it as Markdown instead, noises too: docs/catalogue.md
        #[arg(long)]
        markdown: bool,
    },
    /// Read weights files and say whether they fit their models, as JSON
    ///
    /// Takes a list of questions on standard input: model, weights, size of the images, and variants that are
    /// tried on the model. No GPU is touched.
    Inspect,
    /// Measure variants on real images, as JSON
    ///
    /// Takes requests on standard input (`protocol::probe::Request`): a model, images, and variants, which are computed
    /// as those of one unit of a sweep are. Prints a line for each: the time and the memory that every run took.
    Probe(device::Args),
    /// Compare stored predictions and maps with those of the stored images, as JSON
    ///
    /// Takes a request on standard input (`protocol::verify::Request`). Stores are read, never written.
    Verify(device::Args),
    /// Predict images as they are, to compare with what the author of weights has measured, as JSON
    ///
    /// Takes a list of questions on standard input (`protocol::expect::Question`). No store is looked at.
    Expect(device::Args),
    /// Connect to a scheduler and do the units that it grants
    Run(Args),
}

/// Carries `command` out.
pub(crate) fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Catalogue { markdown: false } => json(&catalogue::catalogue()),
        Command::Catalogue { markdown: true } => {
            print(&catalogue_page::page(&catalogue::catalogue(), &catalogue::noises(), &catalogue::metrics()))
        }
        Command::Inspect => inspect::answer().and_then(|answers| json(&answers)),
        Command::Probe(args) => device::open(args).and_then(|device| probe::answer(&device, json)),
        Command::Verify(args) => device::open(args).and_then(|device| json(&verify::answer(&device)?)),
        Command::Expect(args) => device::open(args).and_then(|device| json(&expect::answer(&device)?)),
        Command::Run(args) => run::run(&args),
    }
}

fn json(value: &impl serde::Serialize) -> Result<(), Exit> {
    let text = serde_json::to_string(value).map_err(|error| Exit::internal(error.to_string()))?;
    print(&format!("{text}\n"))
}

fn print(text: &str) -> Result<(), Exit> {
    let written = std::io::stdout().write_all(text.as_bytes());
    written.map_err(|error| Exit::internal(format!("cannot write the answer: {error}")))
}

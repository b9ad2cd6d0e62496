//! `attrisweep`: everything, one command for each question.

use clap::{ArgAction, CommandFactory, Parser, Subcommand};
use plan::exit::{Code, Failure};
use preflight::program as preflight_program;

use super::{means, pages};
use crate::commands::sweep::{Scope, sweep};
use crate::commands::{SweepArgs, adopt, clean, demo, export, init, retry, scores, status, verify, view};

/// What a first look needs.
const BEGIN: &str = "\
Examples:
  attrisweep demo                          a small sweep on data that comes along
  attrisweep check --config config.yml     tell every mistake, and what there is to do
  attrisweep run --config config.yml       run the sweep, or go on with it
  attrisweep status --config config.yml    tell how far it is";

/// Attribution maps for every model, method, noise and dataset of a config, on every device
#[derive(Debug, Parser)]
#[command(name = "attrisweep", bin_name = "attrisweep", version, after_help = BEGIN)]
#[command(disable_help_flag = true, disable_help_subcommand = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,

    /// Print help
    #[arg(short, long, global = true, action = ArgAction::HelpShort)]
    help: Option<bool>,
}

/// A command, with an example of each.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a sweep, or go on where it stopped
    #[command(after_help = RUN)]
    Run(SweepArgs),
    /// Check a config and the files that it names, and tell what there is to do
    #[command(after_help = CHECK)]
    Check(SweepArgs),
    /// Find the batch of every variant that is fastest and safe
    #[command(after_help = PREFLIGHT)]
    Preflight(preflight_program::Cli),
    /// Compute the mean images of datasets, before a sweep or anew
    #[command(after_help = MEANS)]
    Means(means::Cli),
    /// Tell how far every store is, who runs, what failed and when it will be over
    #[command(after_help = STATUS)]
    Status(status::Args),
    /// Read every store back, and list what is damaged or missing
    #[command(after_help = VERIFY)]
    Verify(verify::Args),
    /// Check stores that other scripts have written, and compute what they lack beside them
    #[command(after_help = ADOPT)]
    Adopt(adopt::Args),
    /// Run the units that failed, and nothing else
    #[command(after_help = RETRY)]
    Retry(retry::Args),
    /// Remove unfinished files, logs and damaged journals
    #[command(after_help = CLEAN)]
    Clean(clean::Args),
    /// Export finished stores, whole or in part, in the forms of other programs
    #[command(after_help = EXPORT)]
    Export(export::Args),
    /// Print tables of methods and scores, and write them for papers and programs
    #[command(after_help = SCORES)]
    Scores(scores::Args),
    /// Serve a page that shows stores: what is done, and images with their maps side by side
    #[command(after_help = VIEW)]
    View(view::Args),
    /// Write a commented config for the data and the weights in a folder
    #[command(after_help = INIT)]
    Init(init::Args),
    /// Run a small sweep on data that comes along
    #[command(after_help = DEMO)]
    Demo(demo::Args),
    /// Print the completions of a shell
    #[command(after_help = COMPLETIONS)]
    Completions(pages::CompletionsArgs),
    /// Write man pages
    #[command(after_help = MAN)]
    Man(pages::ManArgs),
}

const RUN: &str = "\
Example:
  attrisweep run --config config.yml --limit 100

Exit codes: 0 everything is written, 1 some units failed, 2 arguments, 3 mistakes in the config, 4 a store was computed
from something else, 5 no worker, 6 a folder cannot be written, 130 interrupted.";

const CHECK: &str = "\
Example:
  attrisweep check --config config.yml

Exit codes: 0 the config is sound, 2 arguments, 3 mistakes in the config or its files, 4 a store was computed from
something else, 5 no worker, 6 a store cannot be read.";

const PREFLIGHT: &str = "\
Example:
  attrisweep preflight --config config.yml --gpu-id 1

Exit codes: 0 every batch size is known, 1 some could not be found, 2 arguments, 3 mistakes in the config, 4 a store was
computed from something else, 5 no worker, 6 a file cannot be written, 130 interrupted.";

const MEANS: &str = "\
Example:
  attrisweep means --config config.yml --force

Exit codes: 0 every dataset has its mean image, 2 arguments, 3 mistakes in the config, 6 the folder cannot be written.";

const STATUS: &str = "\
Example:
  attrisweep status --config config.yml --json";

const VERIFY: &str = "\
Example:
  attrisweep verify --config config.yml --seconds 60

Exit codes: 0 everything is there and sound, 1 something is not there yet, 2 arguments, 3 mistakes in the config, 6 a store
cannot be read or written, 7 something must not be used, or could not be compared.";

const ADOPT: &str = "\
Example:
  attrisweep adopt --config config.yml --check

Exit codes: those of `attrisweep run`, and 7 where a store is not what its name says; nothing was computed then.";

const RETRY: &str = "\
Example:
  attrisweep retry --failed --config config.yml

Exit codes: those of `attrisweep run`.";

const CLEAN: &str = "\
Example:
  attrisweep clean --config config.yml";

const EXPORT: &str = "\
Example:
  attrisweep export --config config.yml --to packed

Exit codes: 0 every store is exported, 1 some are not complete, 2 arguments, 3 mistakes in the config, 4 something else has
the name of an export, 6 a file cannot be read or written.";

const SCORES: &str = "\
Example:
  attrisweep scores --config config.yml --to tables

Exit codes: 0 the tables are written, 1 some stores have no scores yet, 2 arguments, 3 mistakes in the config, 6 a store
cannot be read or a file written.";

const VIEW: &str = "\
Example:
  attrisweep view outputs

Exit codes: 2 arguments, 3 a folder is not there, 5 the address is taken; Ctrl-C ends it.";

const INIT: &str = "\
Example:
  attrisweep init . --to config.yml

Exit codes: 0 the config is written, 2 arguments, 3 nothing was found, or the file is there, 5 no worker, 6 the file cannot
be written.";

const DEMO: &str = "\
Example:
  attrisweep demo attrisweep-demo

Exit codes: those of `attrisweep run`.";

const COMPLETIONS: &str = "\
Example, for bash:
  attrisweep completions bash > ~/.local/share/bash-completion/completions/attrisweep";

const MAN: &str = "\
Example:
  attrisweep man ~/.local/share/man/man1 && man attrisweep-run";

/// Does what the command line asks for.
pub(super) fn run(command: Command) -> Result<Code, Failure> {
    match command {
        Command::Run(args) => sweep(&args, Scope::Everything),
        Command::Check(args) => sweep(&SweepArgs { check: true, ..args }, Scope::Everything),
        Command::Preflight(args) => preflight_program::run(&args),
        Command::Means(args) => means::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Adopt(args) => adopt::run(&args),
        Command::Retry(args) => sweep(&args.sweep, Scope::Failed),
        Command::Clean(args) => clean::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Scores(args) => scores::run(&args),
        Command::View(args) => view::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Completions(args) => pages::completions(&args, Cli::command()),
        Command::Man(args) => pages::man(&args, Cli::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of a terminal as wide as the help.
    const SCREEN: usize = 40;

    #[test]
    fn the_help_of_each_command_fits_a_screen_and_its_example_is_a_command_line() {
        let mut program = Cli::command();
        program.build();
        let commands: Vec<_> = program.get_subcommands_mut().collect();
        assert!(commands.len() > 10);
        for command in commands {
            let (name, help) = (command.get_name().to_owned(), command.render_help().to_string());
            assert!(help.lines().count() <= SCREEN, "{name}: {help}");
            let examples = help.lines().filter_map(|line| line.trim().strip_prefix("attrisweep "));
            let examples: Vec<_> = examples.filter(|line| line.starts_with(&name)).collect();
            assert!(!examples.is_empty(), "{name} has no example");
            for line in examples {
                let words = line.split([' ']).take_while(|word| !["&&", ">"].contains(word));
                let parsed = Cli::try_parse_from(std::iter::once("attrisweep").chain(words));
                assert!(parsed.is_ok(), "{name}: `{line}`: {parsed:?}");
            }
        }
    }
}

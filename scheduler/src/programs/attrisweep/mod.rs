//! `attrisweep`: everything, one command for each question.

mod examples;

use clap::{ArgAction, CommandFactory, Parser, Subcommand};
use plan::exit::{Code, Failure};
use preflight::program as preflight_program;

use self::examples::{
    ADOPT, BEGIN, CHECK, CLEAN, COMPLETIONS, DEMO, EXPORT, INIT, MAN, MEANS, PREFLIGHT, REPORT, RETRY, RUN, SCORES,
    STATUS, SUBMIT, VERIFY, VIEW,
};
use super::{means, pages};
use crate::commands::sweep::{Scope, sweep};
use crate::commands::{
    SweepArgs, adopt, clean, demo, export, init, report, retry, scores, status, submit, verify, view,
};

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
    /// Run a sweep in a job of the cluster, and tell what it says until it has ended
    #[command(after_help = SUBMIT)]
    Submit(submit::Args),
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
    /// Write a report on stores: images, maps, statistics, scores, costs and origins, as a page without a server
    #[command(after_help = REPORT)]
    Report(report::Args),
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
        Command::Submit(args) => submit::run(&args),
        Command::Clean(args) => clean::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Scores(args) => scores::run(&args),
        Command::View(args) => view::run(&args),
        Command::Report(args) => report::run(&args),
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

//! Completions of shells and man pages, made from the command lines themselves.

use std::io::Write;
use std::path::PathBuf;

use clap::{Command, ValueHint};
use clap_complete::Shell;
use plan::exit::{Code, Failure};

/// Arguments of `attrisweep completions`.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// Shell whose completions are printed
    shell: Shell,
}

/// Arguments of `attrisweep man`.
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// Folder that the pages are written into, `attrisweep.1` and one for each command; made if it is not there
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
}

/// Prints the completions of `program` in a shell on standard output.
pub(super) fn completions(args: &CompletionsArgs, mut program: Command) -> Result<Code, Failure> {
    let mut text = Vec::new();
    let name = program.get_name().to_owned();
    clap_complete::generate(args.shell, &mut program, name, &mut text);
    let failed = |error| Failure { code: Code::Storage, text: format!("cannot print the completions: {error}") };
    std::io::stdout().write_all(&text).map_err(failed)?;
    Ok(Code::Complete)
}

/// Writes a man page for `program` and one for each of its commands.
pub(super) fn man(args: &ManArgs, program: Command) -> Result<Code, Failure> {
    let failed = |error: std::io::Error| Failure {
        code: Code::Storage,
        text: format!("cannot write man pages into `{}`: {error}", args.folder.display()),
    };
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    clap_mangen::generate_to(program, &args.folder).map_err(failed)?;
    Ok(Code::Complete)
}

//! `attrisweep demo`: a small sweep on data that the Python package brings along.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Parser;
use plan::exit::{Code, Failure};

use super::sweep::{Scope, sweep};
use crate::commands::SweepArgs;

/// Arguments of `attrisweep demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder for data, weights, config and maps
    #[arg(value_name = "DIR", default_value = "attrisweep-demo", value_hint = clap::ValueHint::DirPath)]
    folder: PathBuf,
}

/// Arguments of the sweep, as a command line of `attrisweep run` without any has them.
#[derive(Debug, Parser)]
struct Defaults {
    #[command(flatten)]
    sweep: SweepArgs,
}

/// Makes the inputs, and runs the sweep.
pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    make_inputs(&args.folder)?;
    let defaults = Defaults::try_parse_from(["demo"]);
    let sweep_args = defaults.map_err(|error| Failure { code: Code::Config, text: error.to_string() })?.sweep;
    sweep(&SweepArgs { config: args.folder.join("config.yml"), ..sweep_args }, Scope::Everything)
}

/// Makes data, weights and the config, with the Python that has the package: the one whose command `attrisweep` was called.
fn make_inputs(folder: &Path) -> Result<(), Failure> {
    let python = std::env::var_os("ATTRISWEEP_PYTHON").unwrap_or_else(|| "python3".into());
    let failed = |found: String| Failure {
        code: Code::Workers,
        text: format!(
            "`{} -m attrisweep.running.demo` makes the inputs, and {found}; the demo needs the Python package attrisweep",
            python.display()
        ),
    };
    let mut command = Command::new(&python);
    command.args(["-m", "attrisweep.running.demo"]).arg(folder).stdout(Stdio::inherit());
    let done = command.output().map_err(|error| failed(format!("cannot be started: {error}")))?;
    let told = String::from_utf8_lossy(&done.stderr);
    let last = told.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    match done.status.code() {
        Some(0) => Ok(()),
        Some(code) if code == Code::Storage as i32 => Err(Failure { code: Code::Storage, text: last.to_owned() }),
        _ => Err(failed(format!("ended with {}: {last}", done.status))),
    }
}

//! `--mode full_test`: a sweep of two images a group, from config to stores that are read back.
//!
//! The scheduler beside this program runs it, as it would run the whole.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use machine::process;
use plan::exit::{Code, Failure};
use sweep::config::Config;
use sweep::problem::Problems;
use tokio::process::Command;

use super::cli::Cli;
use crate::watched;

/// Name of the program that runs sweeps.
const SCHEDULER: &str = "scheduler";

/// Images of each group.
const IMAGES: &str = "2";

/// Runs the sweep of the config on two images a group, into a folder that is removed again.
pub(crate) fn run(cli: &Cli) -> Result<Code, Failure> {
    let mut problems = Problems::new(&cli.config);
    let read = Config::read(&cli.config, &mut problems);
    problems.into_result()?;
    let Some(read) = read else { return Ok(Code::Config) };
    // On the disk that the sweep will write to.
    let output = read.paths.output_dir.join(format!(".full_test-{}", std::process::id()));
    let removed = Removed(output.clone());
    // What the sweep says at its end is of stores that go away.
    for (arguments, stdout) in [(sweep(cli, &output), Stdio::null()), (vec!["verify".into()], Stdio::inherit())] {
        let mut command = scheduler();
        command.args(arguments).arg("--config").arg(&cli.config).args(["--limit", IMAGES, "--output"]).arg(&output);
        command.args(cli.worker.as_ref().map(|worker| option("--worker=", worker))).stdout(stdout);
        let status = ended(command).map_err(|error| Failure {
            code: Code::Workers,
            text: format!("cannot start `scheduler`, which is built beside preflight: {error}"),
        })?;
        let Some(status) = status else { return Ok(Code::Interrupted) };
        if !status.success() {
            // Its own words say why.
            return Ok(code(status.code()));
        }
    }
    drop(removed);
    Ok(Code::Complete)
}

/// Runs `command` to its end. Returns `None` if this process was told to stop meanwhile: then the other one was told, too, and has
/// ended.
fn ended(mut command: Command) -> std::io::Result<Option<ExitStatus>> {
    let (runtime, mut signals) = watched()?;
    runtime.block_on(async {
        let mut child = command.spawn()?;
        tokio::select! {
            status = child.wait() => return status.map(Some),
            () = signals.next() => {}
        }
        // The child has not been waited for, so its id is nobody else's.
        if let Some(id) = child.id() {
            process::ask_to_end(id);
        }
        child.wait().await?;
        Ok(None)
    })
}

/// Further arguments of the sweep. Its batch sizes are not worth remembering: their files are removed with the stores.
fn sweep(cli: &Cli, output: &Path) -> Vec<OsString> {
    let gpu = cli.gpu_id.map(|gpu| option("--gpu-id=", gpu.to_string()));
    let memory = cli.memory.map(|memory| option("--memory=", memory.to_string()));
    [Some(option("--results=", output.join("preflight_results.json"))), gpu, memory].into_iter().flatten().collect()
}

fn option(name: &str, value: impl AsRef<OsStr>) -> OsString {
    let mut option = OsString::from(name);
    option.push(value);
    option
}

/// The scheduler beside this program; or this program, where it is the only file and goes by the name that it is called by.
fn scheduler() -> Command {
    let this = std::env::current_exe().unwrap_or_else(|_| SCHEDULER.into());
    let beside = this.with_file_name(SCHEDULER);
    if beside.exists() {
        return Command::new(beside);
    }
    let mut command = Command::new(this);
    command.arg0(SCHEDULER);
    command
}

fn code(of_scheduler: Option<i32>) -> Code {
    let known = [Code::Config, Code::Mismatch, Code::Workers, Code::Storage, Code::Interrupted];
    known.into_iter().find(|code| Some(*code as i32) == of_scheduler).unwrap_or(Code::Incomplete)
}

/// A folder that is removed however the rehearsal ends.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        // What cannot be removed is hidden, and small.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

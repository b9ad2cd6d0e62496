//! `--mode full_test`: a sweep of two images a group, from config to stores that are read back.
//!
//! The scheduler beside this program runs it, as it would run the whole.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use plan::exit::{Code, Failure};
use sweep::config::Config;
use sweep::problem::Problems;

use crate::Cli;

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
    for arguments in [sweep(cli, &output), vec!["verify".into()]] {
        let mut process = Command::new(beside("scheduler"));
        process.args(arguments).arg("--config").arg(&cli.config).args(["--limit", IMAGES, "--output"]).arg(&output);
        process.args(cli.worker.as_ref().map(|worker| option("--worker=", worker)));
        let status = process.status().map_err(|error| Failure {
            code: Code::Workers,
            text: format!("cannot start `{}`: {error}; it is built beside preflight", beside("scheduler").display()),
        })?;
        if !status.success() {
            // Its own words say why.
            return Ok(code(status.code()));
        }
    }
    drop(removed);
    Ok(Code::Complete)
}

/// What a sweep is told besides. Batches of two images are none to remember: their files go away with the stores.
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

/// The program called `name` beside this one.
fn beside(name: &str) -> PathBuf {
    std::env::current_exe().map_or_else(|_| name.into(), |this| this.with_file_name(name))
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

//! `--mode full_test`: a sweep of two images a group, from config to stores that are read back.
//!
//! The scheduler beside this program runs it, as it would run the whole.

use std::path::{Path, PathBuf};
use std::process::Command;

use plan::exit::{Code, Failure};
use sweep::config::Config;
use sweep::problem::Problems;

/// Images of each group.
const IMAGES: &str = "2";

/// Runs the sweep of `config` on two images a group, into a folder that is removed again.
pub(crate) fn run(config: &Path, worker: Option<&Path>) -> Result<Code, Failure> {
    let mut problems = Problems::new(config);
    let read = Config::read(config, &mut problems);
    problems.into_result()?;
    let Some(read) = read else { return Ok(Code::Config) };
    // On the disk that the sweep will write to.
    let output = read.paths.output_dir.join(format!(".full_test-{}", std::process::id()));
    let removed = Removed(output.clone());
    let scheduler = beside("scheduler");
    for command in [None, Some("verify")] {
        let mut process = Command::new(&scheduler);
        process.args(command).arg("--config").arg(config).args(["--limit", IMAGES, "--output"]).arg(&output);
        process.args(worker.map(|worker| format!("--worker={}", worker.display())));
        let status = process.status().map_err(|error| Failure {
            code: Code::Workers,
            text: format!("cannot start `{}`: {error}; it is built beside preflight", scheduler.display()),
        })?;
        if !status.success() {
            // Its own words say why.
            return Ok(code(status.code()));
        }
    }
    drop(removed);
    Ok(Code::Complete)
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

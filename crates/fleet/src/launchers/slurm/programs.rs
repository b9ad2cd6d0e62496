//! Programs of Slurm: how they are run, and what they are asked to do.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

/// Message of sbatch about a job with these options that sbatch refuses.
pub(super) fn test(options: &[String], exclude: Option<String>) -> Result<String, String> {
    let mut command = Command::new("sbatch");
    command.args(["--test-only", "--ntasks=1", "--nodes=1"]).args(options).args(exclude);
    // It answers on standard error, whether it would take the job or not.
    let (output, words) = output_of(command, "#!/bin/sh\n")?;
    let words = words.trim_start_matches("sbatch: ").to_owned();
    if output { Ok(words) } else { Err(words) }
}

/// Runs `command` with `input`; what it printed, or its words of regret.
pub(super) fn run(command: Command, input: &str) -> Result<String, String> {
    let (is_well, words) = output_of(command, input)?;
    if is_well { Ok(words) } else { Err(words) }
}

/// Runs `command` with `input`: whether it succeeded, and the lines that it printed.
fn output_of(mut command: Command, input: &str) -> Result<(bool, String), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    // Inside of a job, its variables would be taken for options of the new one.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("SLURM_") && text != "SLURM_CONF" {
            command.env_remove(&name);
        }
    }
    let failed = |error: std::io::Error| format!("`{program}` cannot be run: {error}");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ended before it read everything says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    let texts = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let lines = texts.iter().flat_map(|text| text.lines()).map(str::trim).filter(|line| !line.is_empty());
    let words = lines.collect::<Vec<_>>().join("; ");
    let words = if words.is_empty() { format!("`{program}` ended with {}", output.status) } else { words };
    Ok((output.status.success(), words))
}

/// Cancels `jobs`, as scancel takes them.
pub(super) fn cancel(jobs: &[String]) {
    if !jobs.is_empty() {
        let mut command = Command::new("scancel");
        command.args(jobs);
        tell(run(command, ""));
    }
}

/// Cancels all jobs of the arrays called `names`.
pub(super) fn cancel_arrays(names: &BTreeSet<String>) {
    for name in names {
        let mut command = Command::new("scancel");
        command.args(["--me", "--name", name]);
        tell(run(command, ""));
    }
}

fn tell(cancelled: Result<String, String>) {
    if let Err(reason) = cancelled {
        tracing::warn!(reason, "jobs cannot be cancelled");
    }
}

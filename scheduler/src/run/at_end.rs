//! Command of the user at the end of a sweep: a mail, a message, the next job.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use plan::Plan;

use super::happening::{Happening, Listener};
use crate::core::Outcome;

/// Time for which the scheduler waits for the command.
const PATIENCE: Duration = Duration::from_mins(1);
/// Time between two looks at the command.
const LOOK: Duration = Duration::from_millis(50);

/// A line of shell that is run once, when the sweep has ended.
#[derive(Debug)]
pub(crate) struct AtEnd {
    line: Option<String>,
    output: PathBuf,
}

impl AtEnd {
    /// The line that the config of `plan` asks for, if it does.
    pub(super) fn of(plan: &Plan) -> Self {
        Self { line: plan.config.settings.at_end.clone(), output: plan.config.paths.output_dir.clone() }
    }

    fn begin(&self, line: &str, outcome: &Outcome) -> std::io::Result<Child> {
        let (word, failed) = match outcome {
            Outcome::Complete => ("complete", 0),
            Outcome::Incomplete(failed) => ("incomplete", failed.len()),
            Outcome::NoWorkers(_) => ("no workers", 0),
            Outcome::Interrupted => ("interrupted", 0),
        };
        let output = std::path::absolute(&self.output).unwrap_or_else(|_| self.output.clone());
        Command::new("sh")
            .args(["-c", line])
            .env("ATTRISWEEP_OUTCOME", word)
            .env("ATTRISWEEP_FAILED", failed.to_string())
            .env("ATTRISWEEP_OUTPUT", output)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
    }
}

impl Listener for AtEnd {
    fn hear(&mut self, happening: &Happening<'_>) {
        let Happening::Over { outcome } = happening else { return };
        let Some(line) = self.line.take() else { return };
        // What a command of the user's does or does not do changes nothing of the sweep.
        match self.begin(&line, outcome).and_then(waited) {
            Ok(true) => tracing::info!(line, "the command at the end has been run"),
            Ok(false) => tracing::warn!(line, "the command at the end failed, or still runs"),
            Err(error) => tracing::warn!(line, %error, "the command at the end cannot be run"),
        }
    }
}

/// Whether the command has ended well before patience did.
fn waited(mut command: Child) -> std::io::Result<bool> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(status) = command.try_wait()? {
            return Ok(status.success());
        }
        thread::sleep(LOOK);
    }
    Ok(false)
}

//! Set-up of logs: everything goes to `scheduler.log`, and what a person should look at also to the terminal.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use super::log_files::Logs;
use super::progress::Progress;
use crate::core::TOLD;
use plan::exit::{Code, Failure};
use sweep::config::Paths;

/// Bytes that a log may have before its lines go to an older file.
const MOST: u64 = 64 << 20;
/// Time between two looks at the sizes of logs.
const LOOKS: Duration = Duration::from_mins(1);

/// Starts to log into the folder of `paths` as `options` say, and makes the folder if the folder does not exist.
pub(crate) fn start(paths: &Paths, options: &logs::Args, progress: &Progress) -> Result<Logs, Failure> {
    let failed = |file: &Path, error: std::io::Error| Failure {
        code: Code::Storage,
        text: format!("cannot write the log `{}`: {error}", file.display()),
    };
    let logs = Logs::claim(paths).map_err(|error| failed(&paths.log_dir.join("scheduler.log"), error))?;
    let file = logs.scheduler();
    let log = OpenOptions::new().create(true).append(true).open(&file).map_err(|error| failed(&file, error))?;
    let to_file = options.layer(log);
    let progress = progress.clone();
    let to_terminal = fmt::layer()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_writer(move || AboveTheBar(progress.clone()))
        .with_filter(filter_fn(|of| *of.level() <= Level::WARN && of.target() != TOLD));
    tracing_subscriber::registry().with(to_file).with(to_terminal).init();
    rotate(&logs);
    Ok(logs)
}

/// Keeps the logs of the sweep, those of its workers too, from growing without end, for as long as this process lives.
fn rotate(logs: &Logs) {
    let logs = logs.clone();
    thread::spawn(move || {
        loop {
            for file in logs.files() {
                match ::logs::rotate(&file, MOST) {
                    Ok(true) => tracing::info!(log = %file.display(), "the lines before are in the older file"),
                    Ok(false) => {}
                    Err(error) => tracing::info!(log = %file.display(), %error, "the log grows, as it cannot be moved"),
                }
            }
            thread::sleep(LOOKS);
        }
    });
}

/// Writer that puts lines above the progress bar, which is drawn anew below the lines.
struct AboveTheBar(Progress);

impl Write for AboveTheBar {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.suspended(|| std::io::stderr().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

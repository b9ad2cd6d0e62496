//! Logs of the programs: which lines they have, in which form, and how large their files may grow.
//!
//! A worker writes its log to standard error, which its launcher appends to a file; so the same options serve workers of this
//! machine, of Slurm, and behind `ssh`. The scheduler hands its own options on to its workers.

mod filter;
mod rotation;

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

pub use filter::FilterError;
pub use rotation::{OLD, rotate};

/// Form of the lines of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Words for people.
    #[default]
    Text,
    /// One JSON object a line: `timestamp`, `level`, `target`, `message` and the fields of the line; the unit that a line is about
    /// is in `span`.
    Json,
}

/// Options of a program that logs.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Lines that the logs have: a level, or levels of parts too, such as `info,worker::engine=debug`
    #[arg(long, value_name = "FILTER", value_parser = filter::parse)]
    pub log: Option<Targets>,

    /// Form of the logs: words, or one JSON object a line
    #[arg(long, value_name = "FORM")]
    pub log_format: Option<Format>,
}

impl Args {
    /// The command line that has these options.
    pub fn words(&self) -> Vec<String> {
        let filter = self.log.as_ref().map(|filter| format!("--log={filter}"));
        let format = self.log_format.map(|format| match format {
            Format::Text => "--log-format=text".to_owned(),
            Format::Json => "--log-format=json".to_owned(),
        });
        filter.into_iter().chain(format).collect()
    }

    /// Layer that writes lines in the form and of the kinds that were asked for to `writer`.
    pub fn layer<S, W>(&self, writer: W) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        // A log that cannot be written is no reason to write about that into the same log.
        let lines = fmt::layer().with_ansi(false).with_writer(writer).log_internal_errors(false);
        let filter = self.log.clone().unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
        match self.log_format.unwrap_or_default() {
            Format::Text => lines.with_filter(filter).boxed(),
            Format::Json => lines.json().flatten_event(true).with_span_list(false).with_filter(filter).boxed(),
        }
    }

    /// Starts the log of a program whose standard error is its log. Panics are lines of the log, too.
    pub fn to_standard_error(&self) {
        tracing_subscriber::registry().with(self.layer(std::io::stderr)).init();
        if self.log_format == Some(Format::Json) {
            std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "the program panicked")));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use clap::Parser;
    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        logs: Args,
    }

    fn parsed(words: &[String]) -> Args {
        Cli::parse_from(["program".to_owned()].iter().chain(words)).logs
    }

    /// What is logged of two lines, one in the span of a unit, with options that another program was handed.
    fn logged(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let (args, memory) = (parsed(&parsed(&words).words()), Memory::default());
        let writer = memory.clone();
        let subscriber = tracing_subscriber::registry().with(args.layer(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let _unit = tracing::info_span!("unit", unit = "a/3", attempt = 2).entered();
            tracing::info!(target: "worker::engine", maps = 12, "done");
            tracing::debug!(target: "worker::engine", "half");
            tracing::debug!(target: "fleet", "silence");
        });
        String::from_utf8(memory.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_is_an_object_with_its_unit_where_json_is_asked_for() {
        let text = logged(&["--log-format", "json"]);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["message"], &line["maps"], &line["level"]), (&"done".into(), &12.into(), &"INFO".into()));
        assert_eq!((&line["span"]["unit"], &line["span"]["attempt"]), (&"a/3".into(), &2.into()));
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    }

    #[test]
    fn a_filter_chooses_lines_by_level_and_part() {
        assert_eq!(logged(&[]).lines().count(), 1);
        assert!(logged(&["--log", "info,worker::engine=debug"]).contains("half"));
        assert!(!logged(&["--log", "info,worker::engine=debug"]).contains("silence"));
        assert_eq!(logged(&["--log=debug"]).lines().count(), 3);
        assert_eq!(logged(&["--log", "warn"]), "");
    }
}

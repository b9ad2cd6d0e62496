//! What can be asked beside running a sweep.

pub(crate) mod clean;
pub(crate) mod retry;
pub(crate) mod sample;
pub(crate) mod status;
pub(crate) mod verify;

use std::io::Write;
use std::path::PathBuf;

/// The config that a command is about.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArg {
    /// Config file of the sweep
    #[arg(long, value_name = "YAML", default_value = sweep::config::DEFAULT_FILE, value_hint = clap::ValueHint::FilePath)]
    pub(crate) config: PathBuf,

    /// As the sweep was given it: at most so many images of each split
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,

    /// As the sweep was given it: folder of the stores
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) output: Option<PathBuf>,
}

/// Writes to standard output. A reader that has gone away is no error of ours.
pub(crate) fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Whole numbers in rising order, as people write them: `0-3, 7`.
pub(crate) fn ranges(numbers: impl IntoIterator<Item = u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let spelled =
        runs.iter().map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") });
    spelled.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_told_as_a_range() {
        assert_eq!(ranges([0, 1, 2, 3, 7, 9, 10]), "0-3, 7, 9-10");
        assert_eq!(ranges([]), "");
    }
}

//! Words of a shell's command line: what a cluster or another machine is told to run goes through a shell.

use super::job::Job;

/// `text` as one word of a shell of the POSIX kind.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `words` as a command line.
pub(super) fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// The command line that runs the worker of `job` in the folder where this process runs, in which the config's relative paths begin.
/// `device` are arguments that name the device, and `environment` the variables that the worker needs.
pub(super) fn worker(job: &Job, device: &[String], environment: &[String]) -> String {
    let folder = std::env::current_dir().unwrap_or_default();
    let (program, arguments) = (job.program.to_string_lossy(), job.arguments());
    let words = [&*program].into_iter().chain(arguments.iter().chain(device).map(String::as_str));
    let environment = line(environment.iter().map(String::as_str));
    format!("cd {} && exec env {environment} {}", quoted(&folder.to_string_lossy()), line(words))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_every_word_as_it_was_whatever_stands_in_it() {
        let words = ["plain", "", "two words", "it's", "$HOME", "`id`", "a\nb", "*", "~", "\"\\"];
        let command = format!("printf '%s\\0' {}", line(words));
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        let read: Vec<String> =
            output.stdout.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        assert_eq!(read[..words.len()], words);
    }
}

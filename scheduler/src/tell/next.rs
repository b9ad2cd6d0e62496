//! Next steps: commands that whoever has read the last screen may want, and the scores of a sweep that evaluates.

use std::fmt::Write as _;
use std::path::Path;

use plan::Plan;

use crate::commands::scores;

/// Steps after a sweep, whether it is `complete` or some units failed.
pub(crate) fn steps(plan: &Plan, complete: bool) -> String {
    let mut text = String::new();
    let evaluates = plan.groups.iter().any(|planned| !planned.group.evaluation.scores.is_empty());
    if evaluates {
        text.push_str(&scores::best::told(plan));
        let _ = writeln!(text, "All scores, as tables for papers and programs:\n  {}", command("scores", plan));
    }
    let view = format!("{} {}", program("view"), quoted(&plan.config.paths.output_dir));
    let _ = writeln!(text, "See images and maps in a browser:\n  {view}");
    if complete {
        let _ = writeln!(text, "Read everything back and compare:\n  {}", command("verify", plan));
    }
    text
}

/// Sentence on how what failed is tried again.
pub(crate) fn again(plan: &Plan) -> String {
    format!(
        "Once the cause is gone, `{}` tries these units again, and the command of this sweep does all that is missing.",
        command("retry --failed", plan)
    )
}

/// Command line of this program that asks for `word` about the config of `plan`.
fn command(word: &str, plan: &Plan) -> String {
    format!("{} --config {}", program(word), quoted(&plan.config.file))
}

/// Beginning of the command line: the program as it was called, and the command.
fn program(word: &str) -> String {
    let called = std::env::args_os().next().unwrap_or_else(|| "scheduler".into());
    format!("{} {word}", quoted(Path::new(&called)))
}

/// Path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_as_a_shell_takes_it() {
        assert_eq!(quoted(Path::new("/a/b-c_1.yml")), "/a/b-c_1.yml");
        assert_eq!(quoted(Path::new("a b")), "'a b'");
        assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
    }
}

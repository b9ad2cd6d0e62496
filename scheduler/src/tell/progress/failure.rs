//! Failures as they happen: one line for each, with where to read more.

use std::path::Path;

use serde_json::{Value, json};

/// Longest reason in a line, in characters; logs and the page have all of it.
const LONGEST: usize = 300;

/// Attempt of a unit that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailedAttempt<'a> {
    pub(crate) unit: &'a str,
    pub(crate) attempt: u32,
    pub(crate) class: &'a str,
    pub(crate) error: &'a str,
    /// Slot of the worker and the name of its device, where they are known.
    pub(crate) on: Option<(usize, &'a str)>,
}

impl FailedAttempt<'_> {
    /// Line for a person. Logs of workers begin with the path `logs`.
    pub(super) fn line(&self, logs: Option<&Path>) -> String {
        let Self { unit, attempt, class, error, .. } = self;
        let on = self.on.map(|(_, device)| format!(" on {device}")).unwrap_or_default();
        let more = self.log(logs).map(|log| format!(" (more in {log})")).unwrap_or_default();
        format!("FAILED {unit}{on}, attempt {attempt}, class={class}: {}{more}", of_one_line(error))
    }

    /// Failure as a JSON object.
    pub(super) fn json(&self, logs: Option<&Path>) -> Value {
        json!({
            "unit": self.unit,
            "attempt": self.attempt,
            "class": self.class,
            "error": self.error,
            "slot": self.on.map(|(slot, _)| slot),
            "device": self.on.map(|(_, device)| device),
            "log": self.log(logs),
        })
    }

    /// Log of the worker.
    fn log(&self, logs: Option<&Path>) -> Option<String> {
        let ((slot, _), logs) = self.on.zip(logs)?;
        Some(format!("{}-{slot}.log", logs.display()))
    }
}

/// `text` without line breaks and other control characters, and not longer than a person reads.
pub(super) fn of_one_line(text: &str) -> String {
    let mut words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.retain(|letter| !letter.is_control());
    match words.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", &words[..end]),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_whatever_its_reason_contains() {
        let error = format!("first\n  second\r\x1b[31m {}", "x".repeat(400));
        let attempt = FailedAttempt { unit: "g/3", attempt: 2, class: "Engine", error: &error, on: Some((1, "cpu:1")) };
        let line = attempt.line(Some(Path::new("logs/worker")));
        assert!(line.starts_with("FAILED g/3 on cpu:1, attempt 2, class=Engine: first second [31m xxx"), "{line}");
        assert!(line.ends_with("x … (more in logs/worker-1.log)"), "{line}");
        assert!(!line.contains(['\n', '\r', '\x1b']));
        assert_eq!(attempt.json(None)["log"], Value::Null);
        let nowhere = FailedAttempt { on: None, error: "e", ..attempt };
        assert_eq!(nowhere.line(Some(Path::new("l"))), "FAILED g/3, attempt 2, class=Engine: e");
    }
}

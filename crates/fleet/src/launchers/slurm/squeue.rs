//! Answers of squeue: a row for each job of the arrays that were asked for.

use std::collections::{BTreeSet, HashMap};
use std::process::Command;

use protocol::exit::ExitCode;

use super::super::elsewhere::hearsay;
use super::super::job::{Ended, State};

/// Columns that squeue is asked for, each with its width in bytes.
const COLUMNS: [(&str, usize); 8] = [
    ("Name", 48),
    ("ArrayTaskID", 16),
    ("ArrayJobID", 16),
    ("State", 20),
    ("Reason", 80),
    ("NodeList", 80),
    ("exit_code", 16),
    ("StartTime", 24),
];

/// Codes with which a shell leaves where it cannot run a program.
const NO_PROGRAM: [i32; 2] = [126, 127];

/// A job as squeue shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Id of the array.
    pub(super) array: String,
    /// State in Slurm's own word.
    pub(super) state: String,
    /// Slurm's reason for a job that waits.
    pub(super) reason: String,
    pub(super) node: String,
    pub(super) code: String,
    /// The time at which Slurm expects a waiting job to start, as Slurm writes it.
    pub(super) start: String,
}

/// Rows by the name of the array and the index in the array.
pub(super) type Rows = HashMap<(String, usize), Row>;

/// Asks for the jobs of the arrays called `names`; `None` if there is no answer, from which nothing follows.
pub(super) fn ask(names: &BTreeSet<String>) -> Option<Rows> {
    let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    let columns = COLUMNS.map(|(name, width)| format!("{name}:{width}")).join(",");
    let mut command = Command::new("squeue");
    command.args(["--noheader", "--array", "--me", "--states=all", "--name", &names, "--Format", &columns]);
    match command.output() {
        Ok(output) if output.status.success() => Some(rows(&String::from_utf8_lossy(&output.stdout))),
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr);
            tracing::info!(error = words.trim(), "squeue gives no answer");
            None
        }
        Err(error) => {
            tracing::warn!(%error, "squeue cannot be run");
            None
        }
    }
}

fn rows(text: &str) -> Rows {
    text.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<((String, usize), Row)> {
    let mut at = 0;
    let [name, index, array, state, reason, node, code, start] = COLUMNS.map(|(_, width)| {
        let end = (at + width).min(line.len());
        // A line is cut where its columns end: of a text that is not ASCII nothing can be told.
        let column = line.get(at.min(end)..end).unwrap_or_default().trim().to_owned();
        at += width;
        column
    });
    Some(((name, index.parse().ok()?), Row { array, state, reason, node, code, start }))
}

impl Row {
    /// State of the worker. A state that is not known says nothing.
    pub(super) fn state(&self) -> State {
        match self.state.as_str() {
            "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED" | "SPECIAL_EXIT"
            | "RESV_DEL_HOLD" => State::Queued,
            "RUNNING" | "SUSPENDED" | "STOPPED" | "SIGNALING" | "COMPLETING" | "STAGE_OUT" | "RESIZING" => {
                State::Running
            }
            "COMPLETED" => State::Ended(Ended::Unseen),
            "FAILED" => hearsay(State::Ended(self.code())),
            "OUT_OF_MEMORY" => State::Ended(Ended::OutOfMemory),
            "CANCELLED" | "PREEMPTED" | "TIMEOUT" | "DEADLINE" | "NODE_FAIL" | "BOOT_FAIL" | "LAUNCH_FAILED"
            | "RECONFIG_FAIL" | "REVOKED" => State::Ended(Ended::TakenAway),
            _ => State::Unknown,
        }
    }

    /// Reason for which the job waits, in Slurm's own words, with the time at which Slurm expects it to start.
    pub(super) fn waits(&self) -> Option<String> {
        (self.state() == State::Queued).then_some(())?;
        let known = |text: &str| !text.is_empty() && !["N/A", "Unknown", "None"].contains(&text);
        let reason = if known(&self.reason) { self.reason.as_str() } else { "no reason is given yet" };
        let start = known(&self.start).then(|| format!(", expected to start at {}", self.start));
        Some(format!("{reason}{}", start.unwrap_or_default()))
    }

    /// The way in which the batch script ended: `7:0` in some versions, and in others the number that wait(2) gives.
    fn code(&self) -> Ended {
        let (code, signal) = match (self.code.split_once(':'), self.code.parse::<i32>()) {
            (Some((code, signal)), _) => (code.parse().unwrap_or(-1), signal.parse().unwrap_or(0)),
            (None, Ok(status)) => ((status >> 8) & 0xff, status & 0x7f),
            (None, Err(_)) => (-1, 0),
        };
        if signal > 0 { Ended::Signal(signal) } else { Ended::Code(code) }
    }

    /// Whether the end of the job is the fault of its node, as far as one can tell.
    pub(super) fn blames_node(&self) -> bool {
        let failed = matches!(self.state.as_str(), "NODE_FAIL" | "BOOT_FAIL" | "LAUNCH_FAILED" | "RECONFIG_FAIL");
        // What a unit does to its worker it would do elsewhere as well.
        let of_node = |code| {
            [ExitCode::NoDevice, ExitCode::DeviceLost, ExitCode::Refused].map(Some).contains(&ExitCode::of(code))
        };
        failed
            || (self.state == "FAILED"
                && matches!(self.code(), Ended::Code(code) if NO_PROGRAM.contains(&code) || of_node(code)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(columns: [&str; 8]) -> String {
        let cells = COLUMNS.iter().zip(columns).map(|((_, width), text)| format!("{text:width$}"));
        cells.collect::<Vec<_>>().concat()
    }

    fn state(state: &str, code: &str) -> State {
        let rows = rows(&line(["a", "3", "12", state, "None", "n1", code, "N/A"]));
        rows.get(&("a".to_owned(), 3)).unwrap().state()
    }

    #[test]
    fn every_column_is_read_also_a_reason_with_spaces() {
        let reason = "Nodes required for job are DOWN, DRAINED or reserved";
        let text = line(["a", "3", "12", "PENDING", reason, "", "0", "2026-11-30T15:24:14"]);
        let rows = rows(&format!("{text}\n{}\n", line(["a", "[4-7]", "12", "PENDING", "", "", "", ""])));
        assert_eq!(rows.len(), 1, "a row that names no single job is left out");
        let row = &rows[&("a".to_owned(), 3)];
        assert_eq!(
            (row.reason.as_str(), row.array.as_str(), row.start.as_str()),
            (reason, "12", "2026-11-30T15:24:14")
        );
        assert_eq!(row.state(), State::Queued);
        assert_eq!(row.waits(), Some(format!("{reason}, expected to start at 2026-11-30T15:24:14")));
    }

    #[test]
    fn what_slurm_does_to_a_job_is_nobodys_fault_and_a_state_that_is_not_known_says_nothing() {
        for word in ["PREEMPTED", "TIMEOUT", "CANCELLED", "NODE_FAIL", "DEADLINE"] {
            assert_eq!(state(word, "0"), State::Ended(Ended::TakenAway), "{word}");
        }
        assert_eq!(state("REQUEUED", "0"), State::Queued);
        assert_eq!(state("COMPLETING", "0"), State::Running, "its process may live");
        assert_eq!(state("COMPLETED", "0"), State::Ended(Ended::Unseen), "also after the loss of a node");
        assert_eq!(state("INVENTED", "0"), State::Unknown);
    }

    #[test]
    fn the_exit_code_is_read_in_both_spellings() {
        for code in ["21248", "83:0"] {
            assert_eq!(state("FAILED", code), State::Ended(Ended::Code(83)), "83 * 256 is {}", 83 * 256);
        }
        assert_eq!(state("FAILED", "0:9"), State::Ended(Ended::Signal(9)));
        assert_eq!(state("FAILED", "22272"), State::Ended(Ended::TakenAway), "87: it was told to leave");
        assert_eq!(state("FAILED", "?"), State::Ended(Ended::Unseen));
    }

    #[test]
    fn a_node_is_blamed_where_its_device_fails_and_not_where_a_unit_ends_its_worker() {
        let blames = |state: &str, code: &str| {
            let rows = rows(&line(["a", "3", "12", state, "None", "n1", code, "N/A"]));
            rows.values().next().unwrap().blames_node()
        };
        for (state, code, expected) in [
            ("NODE_FAIL", "0", true),
            ("FAILED", "83:0", true),
            ("FAILED", "127:0", true),
            ("FAILED", "139:0", false),
            ("FAILED", "87:0", false),
            ("PREEMPTED", "0", false),
        ] {
            assert_eq!(blames(state, code), expected, "{state} {code}");
        }
    }

    #[test]
    fn hostile_answers_are_read_without_a_fault() {
        for text in ["", "\n\n", "é", &"é".repeat(500), &" ".repeat(5000), "a 3"] {
            assert!(rows(text).is_empty(), "{text:?}");
        }
    }
}

//! Last screen of a sweep: what was written, where, how fast, and how to open a store.

mod totals;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use store::FORMATS;
use sweep::unit::UnitId;
use sweep::variant::Variant;

use crate::core::Outcome;
use crate::tell::log_files::Logs;
use crate::tell::next;
use crate::tell::predictions::Predictions;
use crate::tell::progress::Progress;
use plan::Plan;
use plan::exit::{Code, Failure};
pub(crate) use totals::Totals;

/// Number of reasons and of stores that the screen names at most; the log names all.
const TOLD: usize = 10;

/// Prints how the sweep ended, in the manner of `progress`, and gives the exit code.
pub(crate) fn tell(
    plan: &Plan,
    totals: &Totals,
    took: Duration,
    outcome: &Outcome,
    progress: &Progress,
) -> Result<Code, Failure> {
    let log = Logs::find(&plan.config.paths).scheduler();
    let complete = *outcome == Outcome::Complete;
    let (code, word, failed) = match outcome {
        Outcome::Complete => (Code::Complete, "complete", &[][..]),
        Outcome::Incomplete(failed) => (Code::Incomplete, "incomplete", failed.as_slice()),
        Outcome::Interrupted => (Code::Interrupted, "interrupted", &[][..]),
        Outcome::NoWorkers(_) => (Code::Workers, "no workers", &[][..]),
    };
    let summary = || for_programs(plan, totals, took, (word, code), failed);
    let screen = || match outcome {
        Outcome::Complete | Outcome::Incomplete(_) => {
            written(plan, totals, took, complete) + &next::steps(plan, complete)
        }
        Outcome::Interrupted | Outcome::NoWorkers(_) => String::new(),
    };
    progress.last(screen, summary);
    let text = match outcome {
        Outcome::Complete => return Ok(Code::Complete),
        Outcome::Interrupted => "interrupted; everything written so far stays, and the same command goes on".to_owned(),
        Outcome::Incomplete(failed) => {
            let (lines, retry) = (given_up(failed), next::again(plan));
            format!("{} units failed (log: {}){lines}\n{retry}", failed.len(), log.display())
        }
        Outcome::NoWorkers(reason) => {
            format!("no device keeps a worker: {reason} (logs: {})", plan.config.paths.log_dir.display())
        }
    };
    Err(Failure { code, text })
}

/// End of the sweep for programs.
fn for_programs(
    plan: &Plan,
    totals: &Totals,
    took: Duration,
    (outcome, code): (&str, Code),
    failed: &[(UnitId, String)],
) -> Value {
    let stores: Vec<_> = plan.groups.iter().map(|planned| planned.place().display().to_string()).collect();
    let failed: Vec<_> =
        failed.iter().map(|(unit, reason)| json!({"unit": unit.to_string(), "error": reason})).collect();
    json!({
        "outcome": outcome,
        "code": code as u8,
        "maps": totals.maps,
        "bytes": totals.bytes,
        "seconds": took.as_secs_f64(),
        "computing": totals.computing,
        "stores": stores,
        "failed": failed,
    })
}

/// Writes a line for each reason, with the first of the units that were given up for the reason.
fn given_up(failed: &[(UnitId, String)]) -> String {
    let mut reasons: Vec<(&UnitId, usize, &str)> = Vec::new();
    for (unit, reason) in failed {
        match reasons.iter_mut().find(|(_, _, known)| known == reason) {
            Some((_, count, _)) => *count += 1,
            None => reasons.push((unit, 1, reason)),
        }
    }
    let mut lines = String::new();
    for (unit, count, reason) in reasons.iter().take(TOLD) {
        let others = if *count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        let _ = write!(lines, "\n  {unit}{others}: {reason}");
    }
    let left: usize = reasons.iter().skip(TOLD).map(|(_, count, _)| count).sum();
    if left > 0 {
        let _ = write!(lines, "\n  and {left} more");
    }
    lines
}

/// Text on what a run has written; `complete` where nothing is missing any more.
fn written(plan: &Plan, totals: &Totals, took: Duration, complete: bool) -> String {
    let stores = plan.groups.len();
    let mut text = totals.headline(took, (stores, plan.slots.len()), complete);
    let _ = writeln!(text, "{stores} stores in {}:", plan.config.paths.output_dir.display());
    let predictions = Predictions::of(&plan.groups);
    for (at, planned) in plan.groups.iter().take(TOLD).enumerate() {
        let _ = writeln!(text, "  {}{}", planned.place().display(), predictions.told(at));
    }
    if stores > TOLD {
        let _ = writeln!(text, "  and {} more", stores - TOLD);
    }
    text.push_str(&predictions.doubts());
    text.push_str(&notes(totals, plan.groups.first().map_or(&[], |planned| &planned.group.variants)));
    if let Some((planned, variant)) = plan.groups.first().and_then(|p| Some((p, p.group.variants.first()?))) {
        let _ = write!(
            text,
            "Open one in Python:\n  {}   # {} x {:?}\n",
            in_python(&planned.place(), &store::attribution(&variant.key)),
            planned.group.images,
            planned.group.shape,
        );
    }
    text
}

/// Lines of Python that read `array` of the store at `place`.
fn in_python(place: &Path, array: &str) -> String {
    (FORMATS.of(place).python)(place, array).join("\n  ")
}

/// Notes on numbers in the stores that a person should know of.
fn notes(totals: &Totals, variants: &[Variant]) -> String {
    let mut text = String::new();
    for reason in &totals.fell_back {
        let _ =
            writeln!(text, "Note: {reason}, at several times the cost; what was written is right. Please report it.");
    }
    for (key, share) in &totals.underflow {
        let percent = 100.0 * share;
        let _ = writeln!(
            text,
            "Note: float16 stores up to {percent:.0} % of a shard's non-zero values of {key} as zero; \
             `store: {{dtype: float32}}` keeps them."
        );
    }
    for (key, share) in &totals.incomplete {
        // Beyond that the number says no more than that the maps are far off.
        let percent = (100.0 * share).min(1000.0);
        let _ = writeln!(
            text,
            "Note: the maps of {key} sum to something else than the change of the logit, in one shard by {percent:.0} % \
             of it ({}){}",
            store::convergence_delta(key),
            advice(key, variants)
        );
    }
    text
}

/// Advice on how the maps of `key` come closer to completeness: more points of an integral or of a sample, where the method
/// has such a parameter.
fn advice(key: &str, variants: &[Variant]) -> String {
    let variant = variants.iter().find(|variant| variant.key == key);
    let takes = |name: &&str| variant.is_some_and(|variant| variant.parameters.get(name).is_some());
    let name = ["n_steps", "n_samples"].into_iter().find(takes);
    name.map_or_else(|| ".".to_owned(), |name| format!("; more `{name}` bring them closer."))
}

#[cfg(test)]
mod tests {
    use protocol::message::Report;
    use sweep::semantics::Semantics;
    use sweep::variant::Shared;

    use super::*;

    /// A unit of a minute, from a worker that was taken over two seconds ago, and one of a second.
    #[test]
    fn what_a_worker_computed_before_it_was_taken_over_is_not_this_runs() {
        let mut totals = Totals::new();
        for (computing, since) in [(60.0, 2), (1.0, 5)] {
            totals.add(&Report { computing, ..Report::default() }, Duration::from_secs(since));
        }
        assert_eq!(totals.computing, 3.0);
    }

    #[test]
    fn the_worst_shard_of_each_variant_is_told_with_advice() {
        let mut totals = Totals::new();
        for share in [0.12, 0.4, 0.2] {
            let report = Report { incomplete: vec![("IG_n_steps_5".to_owned(), share)], ..Report::default() };
            totals.add(&report, Duration::ZERO);
        }
        let parameters = serde_json::from_value(serde_json::json!({"n_steps": 5})).unwrap();
        let (key, class) = ("IG_n_steps_5".to_owned(), "IntegratedGradients".to_owned());
        let (semantics, shared) = (Semantics::Exact, Shared::Nothing);
        let variant = Variant { key, class, parameters, semantics, complete: true, shared, weights: None };
        let told = notes(&totals, &[variant]);
        assert_eq!(told.lines().count(), 1);
        assert!(told.contains("of IG_n_steps_5 ") && told.contains("by 40 % "), "{told}");
        assert!(told.ends_with("; more `n_steps` bring them closer.\n"), "{told}");
        assert!(notes(&totals, &[]).ends_with("(convergence_delta/IG_n_steps_5).\n"));
        assert_eq!(notes(&Totals::new(), &[]), "");
    }

    #[test]
    fn units_that_were_given_up_for_the_same_reason_are_one_line() {
        let unit = |name: &str, reason: &str| (UnitId::from(name), reason.to_owned());
        let failed = [unit("a/0", "bad file"), unit("a/1", "bad file"), unit("b/0", "crash"), unit("a/2", "bad file")];
        assert_eq!(given_up(&failed), "\n  a/0 and 2 more: bad file\n  b/0: crash");
        let many: Vec<_> = (0..13).map(|index| unit("a/0", &index.to_string())).collect();
        assert!(given_up(&many).ends_with("\n  a/0: 9\n  and 3 more"));
    }
}

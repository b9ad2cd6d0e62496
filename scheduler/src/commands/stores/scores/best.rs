//! The best methods of a sweep that evaluates, in a few lines.

use std::fmt::Write as _;

use plan::{Plan, Planned};

use super::read;
use super::table::{Row, Table};

/// Stores and methods that are told at most.
const STORES: usize = 5;
const METHODS: usize = 3;
/// Values of all scores of a store up to which the store is read at the end of a sweep.
const VALUES: u64 = 2_000_000;

/// Lines on the best methods of the first stores of `plan`; empty where no score says which is better.
pub(crate) fn told(plan: &Plan) -> String {
    let scored = plan.groups.iter().filter(|planned| is_small(planned));
    let lines: Vec<String> = scored.take(STORES).filter_map(|planned| line(&table(planned)?)).collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut text = "Best methods by the mean of their ranks over all scores that have a better end:\n".to_owned();
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn is_small(planned: &Planned) -> bool {
    let group = &planned.group;
    let scores = group.evaluation.scores.len() as u64;
    scores > 0 && group.images * scores * group.variants.len() as u64 <= VALUES
}

/// Table of a store. Telling of a store that cannot be read is left to `scores` and `verify`.
fn table(planned: &Planned) -> Option<Table> {
    let described = store::describe(&planned.place()).ok()??;
    read::table(&planned.group.name(), &described).ok()
}

/// Line of one store.
fn line(table: &Table) -> Option<String> {
    let mut rows: Vec<(&Row, f64)> = table.rows.iter().filter_map(|row| Some((row, row.mean_rank?))).collect();
    rows.sort_by(|a, b| a.1.total_cmp(&b.1));
    let best: Vec<String> = rows.iter().take(METHODS).map(|(row, rank)| format!("{} {rank:.1}", row.method)).collect();
    (!best.is_empty()).then(|| format!("{}: {}", table.store, best.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::table;
    use super::*;

    #[test]
    fn the_best_methods_are_told_with_their_ranks_and_those_without_a_rank_are_not() {
        assert_eq!(line(&table()).as_deref(), Some("s: A 1.2, B_x 1.8"));
    }
}

//! Scores of a group that was evaluated: a number of each image, method and metric, and their means.

use std::collections::BTreeSet;

use serde::Serialize;
use store::{FORMATS, Ledger, StoreError, score as array_of};
use sweep::evaluation::{Direction, Only, Score};
use sweep::group::Group;
use sweep::variant::Variant;

use super::samples::{self, Numbers};

/// Table of a group: a row for each method, with the mean of each score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Means {
    pub(crate) scores: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

/// Score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Column {
    pub(crate) key: String,
    pub(crate) class: String,
    pub(crate) direction: Direction,
}

/// Method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) method: String,
    pub(crate) cells: Vec<Average>,
}

/// Mean of a score over images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Average {
    /// Mean; `None` where no image has a defined score.
    pub(crate) mean: Option<f64>,
    /// Number of images with a defined score.
    pub(crate) images: usize,
    /// Whether no other method has a better mean.
    pub(crate) best: bool,
}

/// Columns of the table of `group`.
pub(crate) fn columns(group: &Group) -> Vec<Column> {
    let column =
        |score: &Score| Column { key: score.key.clone(), class: score.class.clone(), direction: score.direction };
    group.evaluation.scores.iter().map(column).collect()
}

/// Reads the numbers of `score` for the maps of `variant`, of shards of `group` that are scored by now and begin before image `end`.
pub(crate) fn numbers(
    group: &Group,
    ledger: &Ledger,
    (score, variant): (&Score, &Variant),
    end: u64,
) -> Result<Numbers, StoreError> {
    let mut reader = FORMATS.open(&group.store)?;
    let array = array_of(&score.key, &variant.key);
    let mut numbers = Numbers::new();
    let shards = ledger.shards(&array).filter(|shard| *shard < group.shards());
    for shard in shards.take_while(|shard| group.range(*shard).start < end) {
        let range = group.range(shard);
        let values = reader.floats(&array, shard, range.end - range.start)?;
        numbers.extend(range.zip(values).filter(|(_, value)| value.is_finite()));
    }
    Ok(numbers)
}

/// Table of `group`, over all images that are scored by now. A score of images that are predicted right is averaged over these alone.
pub(crate) fn means(group: &Group, ledger: &Ledger) -> Result<Means, StoreError> {
    let asks_right = group.evaluation.scores.iter().any(|score| score.only == Only::Correct);
    let right = if asks_right { samples::right(group, ledger)? } else { BTreeSet::new() };
    let mut rows = Vec::new();
    for variant in &group.variants {
        let mean = |score: &Score| {
            if !score.of.has(variant) {
                return Ok(Average::default());
            }
            let numbers = numbers(group, ledger, (score, variant), group.images)?;
            let counted = numbers.iter().filter(|(image, _)| score.only == Only::All || right.contains(image));
            Ok(mean(counted.map(|(_, number)| f64::from(*number))))
        };
        let cells = group.evaluation.scores.iter().map(mean).collect::<Result<Vec<_>, StoreError>>()?;
        rows.push(Row { method: variant.key.clone(), cells });
    }
    let scores = columns(group);
    for (at, column) in scores.iter().enumerate() {
        mark_best(&mut rows, at, column.direction);
    }
    Ok(Means { scores, rows })
}

fn mean(numbers: impl Iterator<Item = f64>) -> Average {
    let (sum, images) = numbers.fold((0.0, 0), |(sum, count), number| (sum + number, count + 1));
    Average { mean: (images > 0).then(|| sum / images as f64), images, best: false }
}

fn mark_best(rows: &mut [Row], at: usize, direction: Direction) {
    let sign = match direction {
        Direction::Higher => 1.0,
        Direction::Lower => -1.0,
        Direction::Neither => return,
    };
    let best = rows.iter().filter_map(|row| Some(sign * row.cells[at].mean?)).fold(f64::NEG_INFINITY, f64::max);
    for row in rows {
        let cell = &mut row.cells[at];
        cell.best = cell.mean.is_some_and(|mean| sign * mean >= best);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_mean_is_the_largest_or_the_smallest_and_what_is_undefined_is_none() {
        let row = |method: &str, values: [&[f64]; 3]| {
            let cells = values.map(|values| mean(values.iter().copied())).to_vec();
            Row { method: method.to_owned(), cells }
        };
        let mut rows = vec![
            row("a", [&[1.0, 3.0], &[1.0], &[5.0]]),
            row("b", [&[1.0], &[2.0], &[]]),
            row("c", [&[], &[1.0], &[]]),
        ];
        for (at, direction) in [Direction::Higher, Direction::Lower, Direction::Neither].into_iter().enumerate() {
            mark_best(&mut rows, at, direction);
        }
        let best: Vec<Vec<bool>> = rows.iter().map(|row| row.cells.iter().map(|cell| cell.best).collect()).collect();
        assert_eq!(best, [[true, true, false], [false, false, false], [false, true, false]]);
        assert_eq!((rows[0].cells[0].mean, rows[0].cells[0].images, rows[2].cells[0].mean), (Some(2.0), 2, None));
    }
}

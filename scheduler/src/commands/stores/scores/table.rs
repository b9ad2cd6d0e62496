//! Table of methods and scores: averages over images, and the rank of each method.

use serde::Serialize;
use sweep::evaluation::Direction;

/// Table of one store.
#[derive(Clone, Debug, Serialize)]
pub(in crate::commands) struct Table {
    /// Name of the store.
    pub(in crate::commands) store: String,
    pub(in crate::commands) columns: Vec<Column>,
    pub(in crate::commands) rows: Vec<Row>,
}

/// Score.
#[derive(Clone, Debug, Serialize)]
pub(in crate::commands) struct Column {
    pub(in crate::commands) score: String,
    /// Class of the metric.
    pub(in crate::commands) class: String,
    pub(in crate::commands) direction: Direction,
}

/// Method, with a cell for each score; `None` where it is not scored.
#[derive(Clone, Debug, Serialize)]
pub(in crate::commands) struct Row {
    pub(in crate::commands) method: String,
    pub(in crate::commands) cells: Vec<Option<Cell>>,
    /// Mean of the method's ranks over the scores that have a direction, 1 for the best.
    pub(in crate::commands) mean_rank: Option<f64>,
    /// Standard deviation of these ranks.
    pub(in crate::commands) rank_spread: Option<f64>,
}

/// Average of one score over images.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(in crate::commands) struct Cell {
    /// Mean over the images whose score is defined; `None` where there is none.
    pub(in crate::commands) mean: Option<f64>,
    /// Standard error of the mean.
    pub(in crate::commands) standard_error: Option<f64>,
    pub(in crate::commands) median: Option<f64>,
    /// Number of images whose score is defined.
    pub(in crate::commands) images: u64,
    /// Number of images whose score is undefined.
    pub(in crate::commands) undefined: u64,
    /// Number of images that are not scored yet.
    pub(in crate::commands) missing: u64,
    /// Whether no other method has a better mean.
    pub(in crate::commands) best: bool,
}

impl Cell {
    /// Average of `scores`, of which what is not finite is undefined, where `missing` more are to come.
    pub(super) fn of(scores: &[f32], missing: u64) -> Self {
        let mut defined: Vec<f64> =
            scores.iter().map(|score| f64::from(*score)).filter(|score| score.is_finite()).collect();
        let count = defined.len();
        let undefined = (scores.len() - count) as u64;
        if count == 0 {
            return Self { undefined, missing, ..Self::default() };
        }
        defined.sort_by(f64::total_cmp);
        let mean = defined.iter().sum::<f64>() / count as f64;
        let squares: f64 = defined.iter().map(|score| (score - mean).powi(2)).sum();
        let standard_error = (count > 1).then(|| (squares / (count - 1) as f64 / count as f64).sqrt());
        let median = f64::midpoint(defined[(count - 1) / 2], defined[count / 2]);
        let images = count as u64;
        Self { mean: Some(mean), standard_error, median: Some(median), images, undefined, missing, best: false }
    }
}

impl Table {
    /// Table of these cells, with the best of each score and the ranks.
    pub(super) fn new(store: &str, columns: Vec<Column>, cells: Vec<(String, Vec<Option<Cell>>)>) -> Self {
        let row = |(method, cells)| Row { method, cells, mean_rank: None, rank_spread: None };
        let mut rows: Vec<Row> = cells.into_iter().map(row).collect();
        let mut ranks: Vec<Vec<f64>> = vec![Vec::new(); rows.len()];
        for (at, column) in columns.iter().enumerate() {
            let sign = match column.direction {
                Direction::Higher => -1.0,
                Direction::Lower => 1.0,
                Direction::Neither => continue,
            };
            let means: Vec<Option<f64>> = rows.iter().map(|row| Some(sign * row.cells[at].as_ref()?.mean?)).collect();
            for (index, mean) in means.iter().enumerate() {
                let Some(mean) = mean else { continue };
                let better = means.iter().flatten().filter(|other| *other < mean).count();
                let equal = means.iter().flatten().filter(|other| *other == mean).count();
                ranks[index].push(better as f64 + (equal + 1) as f64 / 2.0);
                if let Some(cell) = rows[index].cells[at].as_mut().filter(|_| better == 0) {
                    cell.best = true;
                }
            }
        }
        for (row, ranks) in rows.iter_mut().zip(ranks).filter(|(_, ranks)| !ranks.is_empty()) {
            let mean = ranks.iter().sum::<f64>() / ranks.len() as f64;
            let squares: f64 = ranks.iter().map(|rank| (rank - mean).powi(2)).sum();
            row.mean_rank = Some(mean);
            row.rank_spread = Some((squares / ranks.len() as f64).sqrt());
        }
        Self { store: store.to_owned(), columns, rows }
    }

    /// Whether every image is scored.
    pub(super) fn is_whole(&self) -> bool {
        self.rows.iter().flat_map(|row| row.cells.iter().flatten()).all(|cell| cell.missing == 0)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn column(score: &str, direction: Direction) -> Column {
        Column { score: score.to_owned(), class: score.to_owned(), direction }
    }

    /// Two methods, of which the first is better by a score that is to be high, and equal by one that is to be low.
    pub(in super::super) fn table() -> Table {
        let cell = |scores: &[f32]| Some(Cell::of(scores, 0));
        let columns = vec![column("Up", Direction::Higher), column("Down_steps_5", Direction::Lower)];
        let rows = vec![
            ("A".to_owned(), vec![cell(&[1.0, 2.0, f32::NAN]), cell(&[3.0, 5.0])]),
            ("B_x".to_owned(), vec![cell(&[1.0, 1.0]), cell(&[4.0, 4.0])]),
            ("C".to_owned(), vec![cell(&[f32::NAN]), None]),
        ];
        Table::new("s", columns, rows)
    }

    #[test]
    fn an_average_leaves_out_what_is_undefined_and_counts_it() {
        let cell = Cell::of(&[1.0, f32::NAN, 3.0, 8.0], 2);
        // Variance ((1-4)^2 + (3-4)^2 + (8-4)^2) / 2 = 13; its root over the root of 3 images.
        assert_eq!(
            (cell.mean, cell.median, cell.images, cell.undefined, cell.missing),
            (Some(4.0), Some(3.0), 3, 1, 2)
        );
        assert!((cell.standard_error.unwrap() - (13.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(Cell::of(&[f32::NAN], 0), Cell { undefined: 1, ..Cell::default() });
        assert_eq!(Cell::of(&[2.0], 0).standard_error, None);
        // Earlier builds have stored quotients by zero.
        assert_eq!(Cell::of(&[2.0, f32::INFINITY], 0), Cell { undefined: 1, ..Cell::of(&[2.0], 0) });
    }

    #[test]
    fn the_best_is_the_largest_or_the_smallest_and_equal_methods_share_their_rank() {
        let table = table();
        let best = |row: usize| {
            table.rows[row].cells.iter().map(|cell| cell.as_ref().is_some_and(|cell| cell.best)).collect::<Vec<_>>()
        };
        assert_eq!([best(0), best(1), best(2)], [vec![true, true], vec![false, true], vec![false, false]]);
        // Ranks 1 and 1.5 of the first, 2 and 1.5 of the second.
        let ranks: Vec<_> = table.rows.iter().map(|row| (row.mean_rank, row.rank_spread)).collect();
        assert_eq!(ranks, [(Some(1.25), Some(0.25)), (Some(1.75), Some(0.25)), (None, None)]);
        assert!(table.is_whole());
    }
}

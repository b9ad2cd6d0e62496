//! Random subsets of an image, which depend on seed and image alone: all methods are asked about the same subsets.

pub(super) mod changes;
pub(super) mod sums;

use std::borrow::Cow;

use rand::seq::index;
use rand::{Rng, RngExt};
use sweep::parameters::{Parameter, ParameterError, Parameters};
use sweep::seed::Draw;

use crate::families::family::MOST_VALUES;
use crate::parameters::{chance, cut, grid, runs, square, subset_size};
use crate::parts::Parts;

/// Most subsets of an image, of each of which there are three sums.
const MOST_RUNS: u64 = MOST_VALUES / 3;

/// Parameters of subsets that sums and changes have in common: a measurement of the one is found beside that of the other.
pub(super) const RUNS: Parameter = runs(100);
pub(super) const SIZE: Parameter = subset_size(0, 0);
pub(super) const GRID: Parameter = grid(0, 0);
pub(super) const CHANCE: Parameter = chance(0.2);
pub(super) const SQUARE: Parameter = square(0, 0);
pub(super) const CUT: Parameter =
    cut(&[Cow::Borrowed("random"), Cow::Borrowed("patches"), Cow::Borrowed("values"), Cow::Borrowed("whole")]);

/// Way of drawing subsets of an image `[channels, height, width]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subsets {
    pub(super) runs: usize,
    way: Way,
    shape: [usize; 3],
}

#[derive(Clone, Copy, Debug)]
enum Way {
    /// So many values.
    Values(usize),
    /// Cells of a grid, each with this probability.
    Cells(usize, f64),
    /// A square of this side.
    Square(usize),
    /// Each square of a grid of this side alone, or each value for a side of 0.
    Each(usize),
    /// All values, once.
    Whole,
}

impl Subsets {
    pub(super) fn of(parameters: &Parameters, shape: [usize; 3]) -> Result<Self, ParameterError> {
        let number = |name: &str| parameters.integer(name).map(|number| number as usize);
        let (size, grid, square) = (number("subset_size")?, number("grid")?, number("square")?);
        let way = match (square, grid) {
            _ if parameters.word("cut")? == "whole" => Way::Whole,
            (square, _) if parameters.word("cut")? == "patches" && square > 0 => Way::Each(square),
            _ if parameters.word("cut")? != "random" => Way::Each(0),
            (0, 0) => Way::Values(size),
            (0, grid) => Way::Cells(grid, parameters.number("chance")?),
            (square, _) => Way::Square(square),
        };
        if matches!(way, Way::Values(size) if size == 0 || size > shape.iter().product()) {
            return Err(parameters.unfit("subset_size", "1 to the number of values of an image"));
        }
        let is_square = matches!(way, Way::Square(_) | Way::Each(1..));
        if is_square && square > shape[1].min(shape[2]) {
            return Err(parameters.unfit("square", "no more than the side of an image"));
        }
        let runs = match way {
            Way::Each(_) => parts(way, shape).count,
            Way::Whole => 1,
            _ => number("runs")?,
        };
        if runs as u64 > MOST_RUNS {
            let of_parts = parameters.unfit("square", "larger parts: an image has twenty thousand at most");
            let of_runs = parameters.unfit("runs", "at most 21845");
            return Err(if matches!(way, Way::Each(_)) { of_parts } else { of_runs });
        }
        Ok(Self { runs, way, shape })
    }

    /// Whether each value of the image is in subset number `run` of the image that `draw` names.
    pub(super) fn draw(&self, draw: Draw<'_>, run: usize) -> Vec<bool> {
        let mut random = Draw { purpose: "subsets", draw: run as u64, ..draw }.generator();
        let [channels, height, width] = self.shape;
        let mut inside = vec![false; channels * height * width];
        match self.way {
            Way::Whole => inside.fill(true),
            Way::Each(_) => inside = parts(self.way, self.shape).removed(|part| part == run),
            Way::Values(size) => {
                for at in index::sample(&mut random, inside.len(), size) {
                    inside[at] = true;
                }
            }
            Way::Cells(grid, chance) => {
                let cells: Vec<bool> = (0..grid * grid).map(|_| random.random_bool(chance)).collect();
                let cell = |pixel: usize| pixel / width * grid / height * grid + pixel % width * grid / width;
                for (at, inside) in inside.iter_mut().enumerate() {
                    *inside = cells[cell(at % (height * width))];
                }
            }
            Way::Square(side) => {
                let (top, left) = (below(&mut random, height - side + 1), below(&mut random, width - side + 1));
                for (at, inside) in inside.iter_mut().enumerate() {
                    let (row, column) = (at % (height * width) / width, at % width);
                    *inside = (top..top + side).contains(&row) && (left..left + side).contains(&column);
                }
            }
        }
        inside
    }
}

/// Parts of which each is a subset alone.
fn parts(way: Way, shape: [usize; 3]) -> Parts {
    match way {
        Way::Each(side) if side > 0 => Parts::patches(shape, side),
        _ => Parts::values(shape),
    }
}

fn below(random: &mut impl Rng, end: usize) -> usize {
    random.random_range(0..end)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DRAW: Draw<'static> = Draw { seed: 1, dataset: ("a", "test"), image: 7, purpose: "", draw: 0 };

    fn subsets(given: serde_json::Value) -> Subsets {
        let given: Parameters = serde_json::from_value(given).unwrap();
        Subsets::of(&given.checked(&[RUNS, SIZE, GRID, CHANCE, SQUARE, CUT]).unwrap(), [2, 6, 6]).unwrap()
    }

    fn size(inside: &[bool]) -> usize {
        inside.iter().filter(|inside| **inside).count()
    }

    #[test]
    fn a_subset_has_the_size_that_was_asked_for_and_is_the_same_each_time() {
        let of_values = subsets(json!({"subset_size": 9}));
        assert_eq!((0..20).map(|run| size(&of_values.draw(DRAW, run))).collect::<Vec<_>>(), [9; 20]);
        assert_eq!(of_values.draw(DRAW, 3), of_values.draw(DRAW, 3));
        assert_ne!(of_values.draw(DRAW, 3), of_values.draw(Draw { image: 8, ..DRAW }, 3));
        let squares = subsets(json!({"square": 4}));
        assert_eq!((0..20).map(|run| size(&squares.draw(DRAW, run))).collect::<Vec<_>>(), [32; 20]);
    }

    /// Of 3x3 cells of 2x2 pixels and two channels each has eight values.
    #[test]
    fn cells_are_in_a_subset_with_all_their_pixels_and_channels() {
        let cells = subsets(json!({"grid": 3, "chance": 0.5}));
        let sizes: Vec<usize> = (0..400).map(|run| size(&cells.draw(DRAW, run))).collect();
        assert!(sizes.iter().all(|size| size % 8 == 0));
        // 36 of 72 values; the mean of 400 runs deviates by 0.6.
        let mean = sizes.iter().sum::<usize>() as f64 / 400.0;
        assert!((mean - 36.0).abs() < 3.0, "{mean}");
    }
}

//! Averages of methods with their standard errors, as dots on an axis.

use super::short;
use super::svg::{Drawing, Held, width};

/// Average of one method; `None` where nothing is defined.
#[derive(Clone, Debug)]
pub struct Average {
    /// Name at the left.
    pub name: String,
    /// Mean.
    pub mean: Option<f64>,
    /// Standard error of the mean.
    pub error: Option<f64>,
    /// Whether no other mean is better.
    pub best: bool,
}

const SIZE: f64 = 9.0;
const ROW: f64 = 18.0;
const WIDE: f64 = 320.0;

/// Figure of `all` as SVG: a dot at each mean, and a line of one standard error to each side. The best is named so.
pub fn averages(title: &str, all: &[Average]) -> String {
    let ends = all.iter().filter_map(|of| {
        let (mean, error) = (of.mean?, of.error.unwrap_or(0.0));
        Some([mean - error, mean + error])
    });
    let (low, high) =
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), [from, to]| (low.min(from), high.max(to)));
    let (low, high) = if low < high { (low, high) } else { (low - 0.5, low + 0.5) };
    let mut drawing = Drawing::default();
    let left = all.iter().map(|of| width(&of.name, SIZE)).fold(0.0, f64::max) + 14.0;
    let place = |value: f64| left + WIDE * (value - low) / (high - low);
    for (row, of) in all.iter().enumerate() {
        let y = 16.0 + row as f64 * ROW;
        drawing.text((left - 12.0, y + 3.0), Held::Right, SIZE, "", &of.name);
        drawing.path(&[(left, y), (left + WIDE, y)], "pale", false);
        let Some(mean) = of.mean else {
            drawing.text((left, y + 3.0), Held::Left, SIZE, "faint", "undefined");
            continue;
        };
        if let Some(error) = of.error {
            drawing.path(&[(place(mean - error), y), (place(mean + error), y)], "line", false);
        }
        drawing.rectangle([place(mean) - 3.0, y - 3.0, 6.0, 6.0], "shape", None);
        let said = if of.best { format!("{} best", short(mean)) } else { short(mean) };
        drawing.text((left + WIDE + 10.0, y + 3.0), Held::Left, SIZE, "", &said);
    }
    let foot = 16.0 + all.len() as f64 * ROW;
    if low.is_finite() {
        drawing.text((left, foot), Held::Middle, SIZE, "faint", &short(low));
        drawing.text((left + WIDE, foot), Held::Middle, SIZE, "faint", &short(high));
    }
    drawing.finish(left + WIDE + 90.0, foot + 8.0, title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_lie_between_the_ends_and_undefined_means_are_named() {
        let of = |name: &str, mean, error| Average { name: name.to_owned(), mean, error, best: name == "A" };
        let svg = averages("t", &[of("A", Some(1.0), Some(0.5)), of("B", Some(3.0), None), of("C", None, None)]);
        // Names are 5 wide and 14 more; 1 of 0.5 to 3 is a fifth of 320 pixels: 19.04 + 64 - 3.
        assert!(svg.contains("x=\"80.0\"") && svg.contains("1.00 best") && svg.contains(">undefined<"), "{svg}");
        assert!(!averages("t", &[of("C", None, None)]).contains("NaN"));
    }
}

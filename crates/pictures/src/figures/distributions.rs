//! Distributions of magnitudes, one below the other, on an axis of powers of ten.

use super::svg::{Drawing, Held, width};

/// Distribution of one method.
#[derive(Clone, Debug)]
pub struct Bins {
    /// Name at the left.
    pub name: String,
    /// Numbers of values in bins of equal width.
    pub counts: Vec<u64>,
}

const SIZE: f64 = 9.0;
const ROW: f64 = 30.0;
const WIDE: f64 = 420.0;

/// Figure of `all` as SVG. The first bin begins at ten to the power of `from`, and `to_ten` bins make a factor of ten. Bins that are
/// empty everywhere at the ends are left out; each row has the same height at its most frequent bin.
pub fn distributions(title: &str, all: &[Bins], from: i32, to_ten: usize) -> String {
    let filled = |at: &usize| all.iter().any(|bins| bins.counts.get(*at).is_some_and(|count| *count > 0));
    let most = all.iter().map(|bins| bins.counts.len()).max().unwrap_or(0);
    let mut drawing = Drawing::default();
    let (Some(first), Some(last)) = ((0..most).find(filled), (0..most).rfind(filled)) else {
        drawing.text((0.0, 14.0), Held::Left, SIZE, "faint", "all values are zero");
        return drawing.finish(200.0, 20.0, title);
    };
    // Whole powers of ten, so that the axis begins and ends with a number.
    let (first, end) = (first / to_ten * to_ten, (last / to_ten + 1) * to_ten);
    let left = all.iter().map(|bins| width(&bins.name, SIZE)).fold(0.0, f64::max) + 8.0;
    let step = WIDE / (end - first) as f64;
    let foot = |row: usize| 8.0 + (row + 1) as f64 * ROW;
    for (row, bins) in all.iter().enumerate() {
        let top = bins.counts.iter().max().copied().unwrap_or(0).max(1) as f64;
        let mut points = vec![(left, foot(row))];
        for at in first..end {
            let y = foot(row) - (ROW - 4.0) * bins.counts.get(at).copied().unwrap_or(0) as f64 / top;
            let x = left + (at - first) as f64 * step;
            points.extend([(x, y), (x + step, y)]);
        }
        points.push((left + WIDE, foot(row)));
        drawing.path(&points, "shape", true);
        drawing.text((left - 6.0, foot(row) - 3.0), Held::Right, SIZE, "", &bins.name);
    }
    let tens = (first / to_ten..=end / to_ten).collect::<Vec<_>>();
    let every = tens.len().div_ceil(10).max(1);
    for ten in tens.into_iter().step_by(every) {
        let x = left + (ten * to_ten - first) as f64 * step;
        drawing.path(&[(x, 8.0), (x, foot(all.len() - 1) + 4.0)], "pale", false);
        let power = format!("1e{}", from + ten as i32);
        drawing.text((x, foot(all.len() - 1) + 15.0), Held::Middle, SIZE, "", &power);
    }
    drawing.finish(left + WIDE + 24.0, foot(all.len() - 1) + 24.0, title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_has_the_powers_of_ten_that_have_values() {
        let mut counts = vec![0; 16];
        // Bins 5 and 9 of 4 to a factor of ten: from 1e-2 * 10^(5/4) on, so 1e-1 to 1e1.
        (counts[5], counts[9]) = (3, 1);
        let svg = distributions("t", &[Bins { name: "A<".to_owned(), counts }], -2, 4);
        assert!(svg.contains(">1e-1<") && svg.contains(">1e1<") && svg.contains("A&lt;"));
        assert!(!svg.contains(">1e-2<") && !svg.contains(">1e2<"));
        assert!(
            distributions("t", &[Bins { name: String::new(), counts: vec![0; 4] }], 0, 4)
                .contains("all values are zero")
        );
    }
}

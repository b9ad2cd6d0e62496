//! Bytes: how people write them, and how many a batch takes.

pub mod granted_batches;

use serde::{Deserialize, Serialize};

/// Units as `free`, Slurm and nvidia-smi mean them; `GB` and `G` alike are 1024 MiB there.
const UNITS: [(&str, u64); 4] = [("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("t", 1 << 40)];

/// Reads `2GiB`, `600M`, `600Mi`, `1.5 GB` or a number of bytes. The error says what was expected.
pub fn parse(text: &str) -> Result<u64, String> {
    let expected = || "a size such as `2GiB` or `600M`".to_owned();
    let lower = text.trim().to_lowercase();
    let at = lower.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(lower.len());
    let (number, unit) = lower.split_at(at);
    let number: f64 = number.trim().parse().map_err(|_| expected())?;
    let unit = ["ib", "b", "i"].iter().find_map(|suffix| unit.strip_suffix(suffix)).unwrap_or(unit);
    let factor = match unit {
        "" => Some(1),
        unit => UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor),
    };
    let bytes = number * factor.ok_or_else(expected)? as f64;
    let sound = bytes.is_finite() && (1.0..=(1_u64 << 50) as f64).contains(&bytes);
    if sound { Ok(bytes as u64) } else { Err(expected()) }
}

/// `bytes` for a person: `740 MiB`, `1.9 GiB`.
pub fn text(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 1024.0 { format!("{mib:.0} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
}

/// Bytes of `budget` that may be used when the share `margin` of the bytes above `base` is to stay free. A margin is read from
/// files: for a number that is no share, as much as possible is kept free.
pub fn within(budget: u64, base: u64, margin: f64) -> u64 {
    budget.saturating_sub((margin.clamp(0.0, 1.0) * budget.saturating_sub(base) as f64) as u64)
}

/// Time and memory of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Images at once.
    pub batch: usize,
    /// Most bytes of the device that the worker held.
    pub bytes: u64,
    /// Images a second.
    pub rate: f64,
}

/// Why a batch is not larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// A larger batch is hardly faster.
    Speed,
    /// A larger batch does not fit, with the margin.
    Memory,
    /// A shard has no more images.
    Shard,
}

/// Memory of a batch: `bytes = base + per_image * batch`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Bytes without any image: libtorch, the model and its packed weights.
    pub base: u64,
    /// Bytes that each image at once adds.
    pub per_image: u64,
}

impl Line {
    /// Line of least squares through `points`, raised until no point lies above the line. A single point gives a slope only
    /// together with `floor`, the bytes before any batch.
    pub fn above(floor: u64, points: &[Point]) -> Self {
        let slope = match points {
            [] => return Self { base: floor, per_image: 0 },
            [only] => only.bytes.saturating_sub(floor) as f64 / only.batch.max(1) as f64,
            several => slope(several).max(0.0),
        };
        let per_image = slope.round() as u64;
        let base = points.iter().map(|point| point.bytes.saturating_sub(per_image * point.batch as u64)).max();
        Self { base: base.unwrap_or(floor), per_image }
    }

    /// Bytes that `batch` images take.
    pub fn at(&self, batch: usize) -> u64 {
        self.base.saturating_add(self.per_image.saturating_mul(batch as u64))
    }

    /// Most images that take no more than `bytes`; 0 where not even one fits.
    pub fn most(&self, bytes: u64) -> usize {
        match (bytes.checked_sub(self.base), self.per_image) {
            (None, _) => 0,
            (Some(_), 0) => usize::MAX,
            (Some(rest), each) => (rest / each) as usize,
        }
    }
}

fn slope(points: &[Point]) -> f64 {
    let n = points.len() as f64;
    let mean = |of: fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|point| point.batch as f64), mean(|point| point.bytes as f64));
    let covariance: f64 = points.iter().map(|point| (point.batch as f64 - x) * (point.bytes as f64 - y)).sum();
    let variance: f64 = points.iter().map(|point| (point.batch as f64 - x).powi(2)).sum();
    if variance > 0.0 { covariance / variance } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let mib = [("600M", 600 << 20), ("600Mi", 600 << 20)];
        let others = [("2GiB", 2 << 30), ("1.5 gb", 3 << 29), ("4096", 4096), ("8 k", 8192)];
        for (text, bytes) in mib.into_iter().chain(others) {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "GiB", "2 GiBs", "-1G", "0", "inf", "1e99", "two"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!((text(600 << 20), text(3 << 29)), ("600 MiB".to_owned(), "1.5 GiB".to_owned()));
    }

    fn points(of: &[(usize, u64)]) -> Vec<Point> {
        of.iter().map(|(batch, bytes)| Point { batch: *batch, bytes: *bytes, rate: 1.0 }).collect()
    }

    #[test]
    fn the_line_goes_through_exact_points_and_above_crooked_ones() {
        let exact = Line::above(0, &points(&[(1, 110), (2, 120), (8, 180)]));
        assert_eq!((exact.base, exact.per_image), (100, 10));
        assert_eq!((exact.most(199), exact.most(100), exact.most(99)), (9, 0, 0));
        let crooked = points(&[(1, 500), (2, 130), (4, 150), (8, 470)]);
        let line = Line::above(0, &crooked);
        assert!(crooked.iter().all(|point| line.at(point.batch) >= point.bytes), "{line:?}");
    }

    #[test]
    fn one_point_is_taken_together_with_what_was_there_before() {
        let line = Line::above(100, &points(&[(2, 140)]));
        assert_eq!((line.base, line.per_image), (100, 20));
        assert_eq!(Line::above(100, &[]), Line { base: 100, per_image: 0 });
    }

    #[test]
    fn memory_that_does_not_rise_with_the_batch_fits_any() {
        let line = Line::above(0, &points(&[(1, 200), (4, 190)]));
        assert_eq!((line.most(200), line.most(199)), (usize::MAX, 0));
    }
}

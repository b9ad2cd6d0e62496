//! Text for people: where it goes, and how times and numbers are written.

use std::io::Write;

/// Writes to standard output. A reader that has gone away is no error of ours.
pub(crate) fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Whole numbers in rising order, as people write them: `0-3, 7`.
pub(crate) fn ranges(numbers: impl IntoIterator<Item = u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let spelled =
        runs.iter().map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") });
    spelled.collect::<Vec<_>>().join(", ")
}

/// `3 d 4 h`, `2 h 5 min`, `7 min`, `12 s`.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// `1.5 kB`, `120.6 MB`: bytes in thousands.
pub(crate) fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let power = (bytes.max(1).ilog10() / 3).min(4);
    let value = bytes as f64 / 1000_f64.powi(power as i32);
    format!("{value:.1} {}", units[power as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_told_as_a_range() {
        assert_eq!(ranges([0, 1, 2, 3, 7, 9, 10]), "0-3, 7, 9-10");
        assert_eq!(ranges([]), "");
    }

    #[test]
    fn durations_are_told_in_the_two_units_that_matter() {
        let table = [(-5.0, "0 s"), (119.9, "119 s"), (125.0, "2 min"), (7300.0, "2 h 1 min"), (270_000.0, "3 d 3 h")];
        for (seconds, told) in table {
            assert_eq!(duration(seconds), told);
        }
    }
}

//! Figures for papers and pages, in SVG: sheets of images and maps, heat maps, distributions and averages.

mod averages;
mod distributions;
mod heat;
mod sheet;
mod svg;

pub use averages::{Average, averages};
pub use distributions::{Bins, distributions};
pub use heat::Heat;
pub use sheet::{Bar, Row, Sheet, Tile};
pub use svg::{base64, escaped};

/// A number in three digits, with an exponent where the number is very large or very small.
pub fn short(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    if !(1e-3..1e5).contains(&number.abs()) {
        return format!("{number:.2e}");
    }
    let digits = (2 - number.abs().log10().floor() as i32).max(0) as usize;
    format!("{number:.digits$}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_have_three_digits() {
        let numbers = [0.0, 1.0, -0.012_345, 123.4, 99_999.4, 1e-7, f64::NAN];
        assert_eq!(numbers.map(super::short), ["0", "1.00", "-0.0123", "123", "99999", "1.00e-7", "NaN"]);
    }
}

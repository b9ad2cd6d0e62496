//! Whether two ways to compute the same differ by more than rounding.

use tch::{Kind, TchError, Tensor};

use super::images::repeated;
use super::passes::Found;

/// Tolerance of logits, as a share of the largest logit of an image: sums of thousands of products in single precision, layer
/// after layer, are 1e-6 off.
const LOGITS: f64 = 1e-4;
/// Tolerance of maps whose logits have the same bits, so that every ReLU is open in both or closed in both, as a share of the
/// peak of the map: the rounding of float16, in which maps are stored. Right kernels are a hundred times nearer (tests/lowered.rs).
const MAPS: f64 = 1.0 / 2048.0;
/// Tolerance of maps whose logits have other last bits, as a share of the length of the map: a ReLU near zero may flip, which moves a map by percents of its peak
/// in a few places.
const FLIPPED: f64 = 0.05;
/// Tolerance of maps whose products are rounded to 8 or 11 bits, which flips many ReLUs, as a share of the length of the map:
/// 0.1 to 0.4 was seen, other maps are 1.4 apart.
const FLIPPED_BY_MANY: f64 = 0.7;
/// Tolerance of changes of logits, as a share of the largest logit, beside [`MAPS`] of the largest change: both passes that a
/// change is between were rounded.
const CHANGES: f64 = 1e-5;

/// Result of a comparison.
#[derive(Debug, PartialEq)]
pub(super) enum Judged {
    Same,
    /// A clause with the numbers.
    Differs(String),
    /// The expected values are not finite.
    Unknown,
}

/// A pass of n images, of which `expected` has a few that repeat, by products that are rounded to `bits`.
pub(super) fn pass(found: &Found, expected: &Found, bits: i32) -> Result<Judged, TchError> {
    let n = found.logits.size()[0];
    if bits < 24 {
        // The library takes other kernels for other numbers of images, of which some do not round so.
        return across_devices(found, &expected.repeated(n)?, bits);
    }
    let logits = repeated(&expected.logits, n)?;
    if !is_finite(&logits)? {
        return Ok(Judged::Unknown);
    }
    let judged = judged("logits", &found.logits, &logits, Measure::Peak(LOGITS))?;
    let (Judged::Same, Some(map), Some(few)) = (&judged, &found.map, &expected.map) else { return Ok(judged) };
    let maps = repeated(few, n)?;
    if !is_finite(&maps)? {
        return Ok(Judged::Unknown);
    }
    let measure = if found.logits.equal(&logits) { Measure::Peak(MAPS) } else { Measure::Length(FLIPPED) };
    self::judged("maps", map, &maps, measure)
}

/// Judges one model on two devices, one of which rounds products to `bits`: sums come in other orders, and ReLUs flip.
pub(super) fn across_devices(found: &Found, expected: &Found, bits: i32) -> Result<Judged, TchError> {
    if !is_finite(&expected.logits)? {
        return Ok(Judged::Unknown);
    }
    let judged = judged("logits", &found.logits, &expected.logits, Measure::Peak(rounded_logits(bits)))?;
    let (Judged::Same, Some(map), Some(expected)) = (&judged, &found.map, &expected.map) else { return Ok(judged) };
    self::judged("gradients", map, expected, Measure::Length(if bits < 24 { FLIPPED_BY_MANY } else { 4.0 * FLIPPED }))
}

/// Tolerance of logits of passes whose products one of them rounds to `bits`, as a share of the largest logit.
fn rounded_logits(bits: i32) -> f64 {
    (16.0 * 0.5_f64.powi(bits)).max(10.0 * LOGITS)
}

/// Rows of a linear map, of which `few` are those that repeat.
pub(super) fn maps(found: &Tensor, few: &Tensor) -> Result<Judged, TchError> {
    judged("rows", found, &repeated(few, found.size()[0])?, Measure::Peak(MAPS))
}

/// Logits of changed images, `found` and, computed in another order, `again`; `expected` has those that are `chosen`, and `before` is
/// of the image as it was. Products are rounded to `bits`.
pub(super) fn changes(
    (found, again): (&Tensor, &Tensor),
    (chosen, expected): (&[usize], &Tensor),
    before: &Tensor,
    bits: i32,
) -> Result<Judged, TchError> {
    if !is_finite(expected)? || !is_finite(before)? {
        return Ok(Judged::Unknown);
    }
    let moved = largest(&expected.f_sub(before)?)?.f_max()?.f_double_value(&[])?;
    let logit = expected.f_abs()?.f_max()?.f_double_value(&[])?;
    // The library takes other kernels for boxes than for whole images, of which some do not round to so few bits.
    let of_passes = if bits < 24 { rounded_logits(bits) } else { CHANGES };
    let accepted = MAPS * moved + of_passes * logit;
    let index: Vec<i64> = chosen.iter().map(|at| *at as i64).collect();
    let of_chosen = found.f_index_select(0, &Tensor::f_from_slice(&index)?)?;
    match judged("changes of logits", &of_chosen, expected, Measure::Absolute(accepted))? {
        Judged::Same => judged("changes in another order", found, again, Measure::Absolute(accepted)),
        other => Ok(other),
    }
}

/// Limit of the distance of two rows.
#[derive(Clone, Copy)]
enum Measure {
    /// Largest difference, of the largest value of the row.
    Peak(f64),
    /// Length of the difference, of the length of the row.
    Length(f64),
    /// Largest difference.
    Absolute(f64),
}

fn judged(what: &str, found: &Tensor, expected: &Tensor, measure: Measure) -> Result<Judged, TchError> {
    let (found, expected) = (found.f_to_kind(Kind::Double)?, expected.f_to_kind(Kind::Double)?);
    let difference = found.f_sub(&expected)?;
    let (far, accepted, unit) = match measure {
        Measure::Peak(most) => (largest(&difference)?.f_div(&not_zero(&largest(&expected)?)?)?, most, "of the peak"),
        Measure::Length(most) => (length(&difference)?.f_div(&not_zero(&length(&expected)?)?)?, most, "of the length"),
        Measure::Absolute(most) => (largest(&difference)?, most, "of logits"),
    };
    // NaN accepts nothing.
    let fails = far.f_le(accepted)?.f_logical_not()?.f_view([-1])?;
    let rows = fails.f_sum(Kind::Int64)?.f_int64_value(&[])?;
    if rows == 0 {
        return Ok(Judged::Same);
    }
    let at = fails.f_to_kind(Kind::Int64)?.f_argmax(0, false)?.f_int64_value(&[])?;
    let worst = far.f_max()?.f_double_value(&[])?;
    let n = fails.size()[0];
    Ok(Judged::Differs(format!(
        "{what} of {rows} of {n} images, the first at {at}, are up to {worst:.1e} {unit} off, {accepted:.1e} accepted"
    )))
}

fn is_finite(values: &Tensor) -> Result<bool, TchError> {
    Ok(values.f_isfinite()?.f_all()?.f_int64_value(&[])? != 0)
}

/// The largest magnitude of each row.
fn largest(values: &Tensor) -> Result<Tensor, TchError> {
    values.f_abs()?.f_flatten(1, -1)?.f_amax([1], false)
}

/// The Euclidean length of each row.
fn length(values: &Tensor) -> Result<Tensor, TchError> {
    values.f_square()?.f_flatten(1, -1)?.f_sum_dim_intlist([1_i64].as_slice(), false, Kind::Double)?.f_sqrt()
}

/// Divisor of a distance: a row of zeros must be met by zeros.
fn not_zero(values: &Tensor) -> Result<Tensor, TchError> {
    values.f_clamp_min(f64::from(f32::MIN_POSITIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[[f32; 3]]) -> Tensor {
        Tensor::from_slice(&values.concat()).view([-1, 3])
    }

    #[test]
    fn maps_are_held_to_the_peak_where_logits_have_the_same_bits_and_to_the_length_where_not() {
        let (logits, map) = (rows(&[[1.0, 2.0, 3.0]]), Some(rows(&[[10.0, 0.0, -4.0]])));
        let expected = Found { logits, map, seed: rows(&[[0.0; 3]]) };
        let of = |logit: f32, pixel: f32| {
            let (logits, map) = (rows(&[[1.0, 2.0, logit]; 2]), Some(rows(&[[10.0, 0.0, pixel]; 2])));
            pass(&Found { logits, map, seed: rows(&[[0.0; 3]; 2]) }, &expected, 24).unwrap()
        };
        assert_eq!(of(3.0, -4.004), Judged::Same);
        assert!(matches!(of(3.0, -4.006), Judged::Differs(how) if how.contains("maps of 2 of 2 images")));
        // Other last bits: a flip.
        assert_eq!(of(3.0001, -4.4), Judged::Same);
        assert!(matches!(of(3.0001, -5.0), Judged::Differs(_)));
        assert!(matches!(of(3.01, -4.0), Judged::Differs(how) if how.starts_with("logits")));
        for nan in [of(f32::NAN, -4.0), of(3.0, f32::NAN)] {
            assert!(matches!(nan, Judged::Differs(_)));
        }
    }

    #[test]
    fn a_change_may_miss_what_two_passes_miss_and_what_is_not_finite_proves_nothing() {
        let (before, after) = (rows(&[[1.0, 2.0, 30.0]]), rows(&[[1.0, 2.5, 30.0]]));
        let of = |first: f32, last: f32, again: f32| {
            let found = rows(&[[1.0, first, 30.0], [1.0, 2.2, 30.0], [1.0, last, 30.0]]);
            let again = rows(&[[1.0, first, 30.0], [1.0, again, 30.0], [1.0, last, 30.0]]);
            changes((&found, &again), (&[0, 2], &repeated(&after, 2).unwrap()), &before, 24).unwrap()
        };
        // 0.5 / 2048 and 30e-5.
        assert_eq!(of(2.5005, 2.5, 2.2), Judged::Same);
        assert!(matches!(of(2.5006, 2.5, 2.2), Judged::Differs(_)));
        assert!(matches!(of(2.5, 2.4, 2.2), Judged::Differs(how) if how.contains("1 of 2 images, the first at 1,")));
        assert!(matches!(of(2.5, 2.5, 2.3), Judged::Differs(how) if how.starts_with("changes in another order of 1")));
        let nothing = rows(&[[f32::NAN; 3]]);
        assert_eq!(changes((&after, &after), (&[0], &nothing), &before, 24).unwrap(), Judged::Unknown);
        // 16 times the rounding to 11 bits, of 30: 0.23.
        let rounded = |first: f32| {
            let found = rows(&[[1.0, first, 30.0]]);
            changes((&found, &found), (&[0], &after), &before, 11).unwrap()
        };
        assert_eq!(rounded(2.7), Judged::Same);
        assert!(matches!(rounded(2.8), Judged::Differs(_)));
    }
}

//! Labels of an array, of any type of number. Labels that cannot be understood count as missing.

use super::limits::MAX_LABELS;
use crate::DataError;
use crate::formats::{Labels, NO_LABEL};
use crate::numpy::Element;

/// Labels of `n` images in an array of numbers of `element` and of this `shape`. `read` reads this number of bytes from the first number on. Labels that are of
/// no use count as missing.
pub(crate) fn of(
    (element, shape): (Element, &[u64]),
    n: u64,
    read: impl FnOnce(u64) -> Result<Vec<u8>, DataError>,
) -> Result<Labels, DataError> {
    match width(shape, n) {
        Ok(width) => Ok(decode(element, &read(n * width * element.size())?, (n, width))),
        Err(reason) => Ok(none(n, reason)),
    }
}

/// Number of labels of each of `n` images, in an array of this `shape`; the reason if the labels are of no use.
fn width(shape: &[u64], n: u64) -> Result<u64, String> {
    let width = shape.iter().skip(1).try_fold(1_u64, |product, size| product.checked_mul(*size)).unwrap_or(0);
    if shape.first() != Some(&n) || width == 0 {
        return Err(format!("shape {shape:?}, expected ({n},1)"));
    }
    if n.checked_mul(width).is_none_or(|labels| labels > MAX_LABELS) {
        return Err(format!("shape {shape:?}, at most {MAX_LABELS} labels are accepted"));
    }
    Ok(width)
}

/// Labels of `n` images, `width` of each, in `bytes`.
fn decode(element: Element, bytes: &[u8], (n, width): (u64, u64)) -> Labels {
    let values: Option<Vec<i64>> =
        bytes.chunks_exact(element.size() as usize).map(|bytes| label(element, bytes)).collect();
    match values {
        Some(values) => Labels { values, width: width as usize, missing: None },
        None => none(n, "they are no whole numbers"),
    }
}

/// Reads one label. A negative or too large number counts as no class, and so does NaN, with which pandas marks a missing label.
/// `None` for a number with a fraction, which is no label.
fn label(element: Element, bytes: &[u8]) -> Option<i64> {
    if element.is_float() && element.number(bytes).is_nan() {
        return Some(NO_LABEL);
    }
    match element.integer(bytes) {
        Some(label) => Some(label.max(NO_LABEL)),
        None if element.is_float() => None,
        None => Some(NO_LABEL),
    }
}

/// Labels of `n` images that have none, for this reason.
pub(crate) fn none(n: u64, reason: impl Into<String>) -> Labels {
    Labels { values: vec![NO_LABEL; n as usize], width: 1, missing: Some(reason.into()) }
}

//! Labels of a split, of any type of number. Labels that cannot be understood count as missing.

use crate::DataError;
use crate::arrays::{decode_labels, labels_width, no_labels};
use crate::formats::Labels;
use crate::numpy::Member;

/// Reads the labels of `n` images.
pub(crate) fn read(member: Option<&mut Member>, n: u64) -> Result<Labels, DataError> {
    let Some(member) = member else { return Ok(no_labels(n, "the file has none")) };
    let Some(element) = member.element else { return Ok(no_labels(n, member.no_numbers())) };
    match labels_width(&member.header.shape, n) {
        Ok(width) => Ok(decode_labels(element, &member.read(0, n * width * element.size())?, (n, width))),
        Err(reason) => Ok(no_labels(n, reason)),
    }
}

//! Labels of a split, of any type of number. Labels that cannot be understood count as missing.

use crate::DataError;
use crate::arrays::{no_labels, read_labels};
use crate::formats::Labels;
use crate::numpy::Member;

/// Reads the labels of `n` images.
pub(crate) fn read(member: Option<&mut Member>, n: u64) -> Result<Labels, DataError> {
    let Some(member) = member else { return Ok(no_labels(n, "the file has none")) };
    let Some(element) = member.element else { return Ok(no_labels(n, member.no_numbers())) };
    let shape = member.header.shape.clone();
    read_labels((element, &shape), n, |bytes| member.read(0, bytes))
}

//! Checks the values of one shard: undamaged, finite and valid in their family.

use std::ops::Range;

use super::report::{Item, Truth};
use crate::error::StoreError;
use crate::families::{self, Element, Shape, Valid};
use crate::metadata::Described;
use crate::shards::Shards;
use sweep::group::{Dtype, Group};

/// Reason for which a shard that exists is unsound; one sentence.
pub(super) fn fault(
    described: &Described,
    truth: Option<&Truth>,
    shards: &mut Shards,
    item: &Item<'_>,
) -> Option<String> {
    read(described, truth, shards, item).unwrap_or_else(|error| Some(reason(&error)))
}

fn read(
    described: &Described,
    truth: Option<&Truth>,
    shards: &mut Shards,
    &Item { array, shard }: &Item<'_>,
) -> Result<Option<String>, StoreError> {
    let group = &described.group;
    let range = group.range(shard);
    let (n, first) = (range.end - range.start, range.start);
    let Some((family, _)) = families::find(array) else { return Ok(None) };
    Ok(match family.valid {
        Valid::Positions => {
            let wanted: Vec<i64> = range.map(|at| group.original(at) as i64).collect();
            unequal(&shards.integers(array, shard, n)?, (Some(&wanted), 0), 1, first)
        }
        Valid::Labels => {
            let width = described.labels.width.max(1);
            let (from, to) = (range.start as usize * width, range.end as usize * width);
            let wanted = truth.filter(|truth| truth.width == width).and_then(|truth| truth.labels.get(from..to));
            // -1 stands for the label of an image that has none.
            unequal(&shards.integers(array, shard, n)?, (wanted, -1), width, first)
        }
        // What can be read is valid: a number may be undefined.
        Valid::Defined => shards.floats(array, shard, n).map(|_| None)?,
        Valid::Pixels | Valid::Shares | Valid::Finite => {
            let limits = limits(family.valid, group);
            let dtype = if family.element == Element::Map { group.numerics.dtype } else { Dtype::Float32 };
            match family.shape {
                Shape::Images => one_by_one(shards, (array, shard), &range, limits, dtype)?,
                _ => outside(&shards.floats(array, shard, n)?, limits, n, first),
            }
        }
    })
}

/// Smallest and largest valid float.
fn limits(valid: Valid, group: &Group) -> (f32, f32) {
    match valid {
        Valid::Pixels => group.preprocessing.widest_limits(group.shape[0]).into(),
        Valid::Shares => (0.0, 1.0),
        _ => (f32::MIN, f32::MAX),
    }
}

/// Reason for which the images of a shard are unsound. Images are read one after the other, because a file can claim to have any
/// number of them.
fn one_by_one(
    shards: &mut Shards,
    (array, shard): (&str, u64),
    range: &Range<u64>,
    limits: (f32, f32),
    dtype: Dtype,
) -> Result<Option<String>, StoreError> {
    let (mut index, mut wrong) = (range.start, None);
    let mut look = |values: &[f32]| {
        wrong = wrong.take().or_else(|| outside(values, limits, 1, index));
        index += 1;
    };
    let n = range.end - range.start;
    match dtype {
        Dtype::Float32 => shards.each(array, shard, n, look)?,
        Dtype::Float16 => shards.each_of_halves(array, shard, n, |values| {
            look(&values.iter().map(|value| value.to_f32()).collect::<Vec<_>>());
        })?,
    }
    Ok(wrong)
}

/// Reason for which the mean image at `array` is unsound; `wanted` are its values, where they are known.
pub(super) fn mean_fault(group: &Group, shards: &mut Shards, array: &str, wanted: Option<&Vec<f32>>) -> Option<String> {
    let values = match shards.floats(array, 0, group.shape[0] as u64) {
        Ok(values) => values,
        Err(error) => return Some(reason(&error)),
    };
    if wanted.is_some_and(|wanted| *wanted != values) {
        return Some("it is not the mean of the stored images".to_owned());
    }
    outside(&values, limits(Valid::Pixels, group), 1, 0).map(|_| "it holds values that no mean image has".to_owned())
}

/// Sentence on the first of `n` images with a value outside of `least` to `most`. The images count from `first`.
fn outside(values: &[f32], (least, most): (f32, f32), n: u64, first: u64) -> Option<String> {
    let at = values.iter().position(|value| !(least..=most).contains(value))?;
    let image = first + (at / (values.len() / n.max(1) as usize).max(1)) as u64;
    Some(match values[at] {
        value if value.is_finite() => format!("image {image} has the value {value}, expected {least} to {most}"),
        value => format!("image {image} has the value {value}"),
    })
}

/// Sentence on the first image whose integers are not those `wanted`, or, where these are not known, are below `least`.
fn unequal(values: &[i64], (wanted, least): (Option<&[i64]>, i64), width: usize, first: u64) -> Option<String> {
    let wrong = |(at, value): (usize, &i64)| match wanted {
        Some(wanted) => wanted.get(at) != Some(value),
        None => *value < least,
    };
    let at = values.iter().enumerate().position(wrong)?;
    let image = first + (at / width) as u64;
    let expected = wanted.and_then(|wanted| wanted.get(at));
    let expected = expected.map_or_else(|| format!("{least} or more"), i64::to_string);
    Some(format!("image {image} has {}, expected {expected}", values[at]))
}

/// Reason for which a file could not be read, without its name and without advice.
fn reason(error: &StoreError) -> String {
    match error {
        StoreError::Damaged { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}

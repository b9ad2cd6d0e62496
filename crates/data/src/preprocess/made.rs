//! Images of a group, as its model sees them: preprocessed, with noise.

use std::ops::Range;

use sweep::group::Group;

use crate::DataError;
use crate::noise::{self, NoiseError};
use crate::preprocess::{self, Pixels};

/// Makes the images `some`, by their indices, of `pixels` `[n, height, width, channels]`, whose images have `shape`: `[n, c, h, w]`. Image
/// 0 of the pixels is number `first` of the group. Pixels that are ready are left as they are.
///
/// # Errors
/// [`DataError`] where the channels fit no model, [`NoiseError`] where the noise is not known.
pub fn images<E: From<DataError> + From<NoiseError>>(
    group: &Group,
    pixels: &Pixels,
    some: Range<usize>,
    (shape, first): ([usize; 3], u64),
) -> Result<Vec<f32>, E> {
    let from = first + some.start as u64;
    let mut images = preprocess::prepare_some(&group.preprocessing, pixels, some, shape, group.shape[0])?;
    if !matches!(pixels, Pixels::Ready(_)) {
        noise::add(group, from, &mut images)?;
    }
    Ok(images)
}

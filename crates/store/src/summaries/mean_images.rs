//! Mean images of a store: one over all images, and one over the images of each class.

use std::collections::BTreeMap;

use sweep::group::Group;

use crate::error::StoreError;
use crate::families::{self, name};
use crate::shards::{Data, Shards};

/// Sum of images, with their number.
#[derive(Default)]
struct Sum {
    values: Vec<f64>,
    images: u64,
}

/// Computes the mean images of `group` from its stored images and writes them.
///
/// `labels` are those of the group's images, negative where an image has none; empty for a multi-label set, which has no class
/// means.
/// Sums are in double precision and in the order of the images: the same bytes come out each time.
pub fn write_means(group: &Group, labels: &[i64], shards: &mut Shards) -> Result<u64, StoreError> {
    let mut written = 0;
    for (array, mean) in compute(group, labels, shards)? {
        written += shards.put(&array, 0, Data::Float32(mean))?;
    }
    Ok(written)
}

/// Computes the mean images of `group` that [`write_means`] writes, by path.
pub(crate) fn compute(
    group: &Group,
    labels: &[i64],
    shards: &mut Shards,
) -> Result<Vec<(String, Vec<f32>)>, StoreError> {
    let mut overall = Sum::default();
    let mut classes: BTreeMap<i64, Sum> = BTreeMap::new();
    for shard in 0..group.shards() {
        let range = group.range(shard);
        let mut index = range.start as usize;
        shards.each(name::IMAGES, shard, range.end - range.start, |pixels| {
            overall.add(pixels);
            // What is negative is no class: the image has no label.
            if let Some(label) = labels.get(index).filter(|label| **label >= 0) {
                classes.entry(*label).or_default().add(pixels);
            }
            index += 1;
        })?;
    }
    let of_classes = classes.into_iter().map(|(class, sum)| (families::mean(Some(class)), sum.mean()));
    Ok(std::iter::once((families::mean(None), overall.mean())).chain(of_classes).collect())
}

impl Sum {
    fn add(&mut self, pixels: &[f32]) {
        self.values.resize(pixels.len(), 0.0);
        for (sum, pixel) in self.values.iter_mut().zip(pixels) {
            *sum += f64::from(*pixel);
        }
        self.images += 1;
    }

    fn mean(self) -> Vec<f32> {
        let images = self.images as f64;
        self.values.iter().map(|sum| (sum / images) as f32).collect()
    }
}

//! Scores of a shard, from the measurements that the store has of it. The device has nothing to do.

use std::collections::BTreeMap;

use evaluation::{MeasureError, metrics};
use store::{Data, Ledger, Shards, measurement, score as score_path};
use sweep::evaluation::{Of, Score};
use sweep::group::Group;

use crate::unit_error::UnitError;

/// Writes the scores that `ledger` lacks of shard `index`. Returns the number of bytes.
pub(super) fn write(group: &Group, shards: &mut Shards, ledger: &Ledger, index: u64) -> Result<u64, UnitError> {
    let mut written = 0;
    for score in &group.evaluation.scores {
        for variant in group.variants.iter().filter(|variant| score.of.has(variant)) {
            let array = score_path(&score.key, &variant.key);
            if !ledger.has(&array, index) {
                let scores = of_variant(group, shards, (score, &variant.key), index)?;
                written += shards.put(&array, index, Data::Float32(scores))?;
            }
        }
    }
    Ok(written)
}

/// Scores of the maps of the variant called `key`.
fn of_variant(
    group: &Group,
    shards: &mut Shards,
    (score, key): (&Score, &str),
    index: u64,
) -> Result<Vec<f32>, UnitError> {
    let range = group.range(index);
    let images = range.end - range.start;
    let mut values = BTreeMap::new();
    let needed = group.evaluation.measurements.iter().filter(|known| score.measurements.contains(&known.key));
    for needed in needed {
        let array = measurement(&needed.key, (needed.of != Of::Image).then_some(key));
        values.insert(needed.key.as_str(), shards.floats(&array, index, images)?);
    }
    let scores = metrics::scores(score, &group.evaluation, images as usize, |of| values.get(of.key.as_str()).cloned());
    Ok(scores.map_err(MeasureError::from)?)
}

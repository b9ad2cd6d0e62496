//! Third stage: compress and put in place.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use store::{Completeness, Data, Shards, attribution, convergence_delta, narrow, underflow, write_means};
use sweep::group::{Dtype, Group};
use sweep::unit::Part;

use crate::compute::Computed;
use crate::unit::{Job, UnitError};

/// Writes what the second stage computes of one unit.
pub(crate) struct Writer {
    shards: Shards,
    /// Bytes written so far.
    pub(crate) bytes: u64,
    /// How long that took.
    pub(crate) took: Duration,
    /// Tells the stage before that writing has failed.
    pub(crate) unwritable: Arc<AtomicBool>,
    /// As in the report of the unit.
    pub(crate) underflow: Vec<(String, f32)>,
    /// As in the report of the unit.
    pub(crate) incomplete: Vec<(String, f32)>,
}

/// Share of values lost to half precision above which a person should know.
const UNDERFLOW: f32 = 0.01;

/// Share of the change of the logit above which a person should know that maps miss it. Rounding in
/// single precision stays far below a tenth, too few points of an integral do not.
const INCOMPLETE: f32 = 0.1;

impl Writer {
    pub(crate) fn new(job: &Job, unwritable: Arc<AtomicBool>) -> Self {
        Self {
            shards: Shards::open(job.grant.unit.group.store.clone(), job.grant.tag.clone()),
            bytes: 0,
            took: Duration::ZERO,
            unwritable,
            underflow: Vec::new(),
            incomplete: Vec::new(),
        }
    }

    /// Writes one array of a shard.
    pub(crate) fn write(&mut self, group: &Group, part: Part, computed: Computed) -> Result<(), UnitError> {
        let Part::Shard(shard) = part else { return Ok(()) };
        self.bytes += match computed {
            Computed::Floats { array, values } => self.shards.put(array, shard, Data::Float32(values))?,
            Computed::Integers { array, values } => self.shards.put(array, shard, Data::Int64(values))?,
            Computed::Maps { key, values, completeness } => {
                let beside = completeness.map_or(Ok(0), |completeness| self.deltas(shard, &key, completeness))?;
                beside + self.maps(group, shard, &key, values)?
            }
        };
        Ok(())
    }

    /// Writes the group's mean images.
    pub(crate) fn means(&mut self, group: &Group, labels: &[i64]) -> Result<(), UnitError> {
        self.bytes += write_means(group, labels, &mut self.shards)?;
        Ok(())
    }

    fn deltas(&mut self, shard: u64, key: &str, completeness: Completeness) -> Result<u64, UnitError> {
        let missed = completeness.missed();
        if missed > INCOMPLETE {
            self.incomplete.push((key.to_owned(), missed));
        }
        Ok(self.shards.put(&convergence_delta(key), shard, Data::Float32(completeness.deltas))?)
    }

    /// The map last: where it is, what belongs to it is.
    fn maps(&mut self, group: &Group, shard: u64, key: &str, values: Vec<f32>) -> Result<u64, UnitError> {
        let path = attribution(key);
        if group.numerics.dtype == Dtype::Float32 {
            return Ok(self.shards.put(&path, shard, Data::Float32(values))?);
        }
        let narrowed = narrow(key, &values, group.shape.iter().product(), group.range(shard).start)?;
        let lost = narrowed.underflow.iter().sum::<f32>() / narrowed.underflow.len().max(1) as f32;
        if lost > UNDERFLOW {
            self.underflow.push((key.to_owned(), lost));
        }
        let beside = self.shards.put(&underflow(key), shard, Data::Float32(narrowed.underflow))?;
        Ok(beside + self.shards.put(&path, shard, Data::Float16(narrowed.values))?)
    }
}

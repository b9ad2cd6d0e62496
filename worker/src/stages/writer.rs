//! Third stage: compresses values and puts files in place.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use store::{
    Completeness, Data, Encoded, Encoder, OpenShard, Shards, StoreError, attribution, convergence_delta, lost, name,
    narrow, underflow,
};
use sweep::group::{Dtype, Group};
use sweep::unit::Part;

use super::computed::{Computed, MapValues, SharedMap};
use super::reader::index;
use crate::unit_error::UnitError;

/// Writer of what the second stage computes of one unit.
pub(crate) struct Writer {
    shards: Shards,
    images: Option<OpenShard>,
    /// Unfinished shards of maps, by key. The files of a unit that fails vanish with this value.
    open: HashMap<String, Open>,
    /// Bytes that were written so far.
    pub(crate) bytes: u64,
    /// Time for writing so far.
    pub(crate) took: Duration,
    /// Whether writing has failed, for the stage before.
    pub(crate) unwritable: Arc<AtomicBool>,
    /// Shares, by key, as in the report of the unit.
    pub(crate) underflow: Vec<(String, f32)>,
    /// Shares, by key, as in the report of the unit.
    pub(crate) incomplete: Vec<(String, f32)>,
    /// Number of maps that are encoded at once.
    lanes: usize,
}

/// Maps of a variant that are being written.
struct Open {
    shard: OpenShard,
    /// Share that half precision lost of each image so far.
    underflow: Vec<f32>,
    /// Maps that wait until enough can be encoded together.
    waiting: Vec<MapValues>,
    /// Index in the split of the image of the first waiting map.
    next: u64,
}

/// Share of values that half precision loses, above which the log has a warning.
const UNDERFLOW: f32 = 0.01;

/// Share of the change of the logit that maps miss, above which the log has a warning. Rounding in single precision stays far
/// below a tenth, too few points of an integral do not.
const INCOMPLETE: f32 = 0.1;

impl Writer {
    /// Writer to the store of `group`. `tag` stands in the names of unfinished files, and `lanes` maps are encoded at once.
    pub(crate) fn new(group: &Group, tag: String, unwritable: Arc<AtomicBool>, lanes: usize) -> Self {
        Self {
            shards: Shards::open(group.store.clone(), tag),
            images: None,
            open: HashMap::new(),
            bytes: 0,
            took: Duration::ZERO,
            unwritable,
            underflow: Vec::new(),
            incomplete: Vec::new(),
            lanes,
        }
    }

    /// Writes the next values of `part` of `group`.
    pub(crate) fn write(&mut self, group: &Group, part: Part, computed: Computed) -> Result<(), UnitError> {
        let shard = index(part);
        self.bytes += match computed {
            Computed::Floats { array, values } => self.shards.put(array, shard, Data::Float32(values))?,
            Computed::Integers { array, values } => self.shards.put(array, shard, Data::Int64(values))?,
            Computed::Image(values) => {
                if self.images.is_none() {
                    self.images = Some(self.shards.begin(name::IMAGES, shard, count(group, shard))?);
                }
                self.images.as_mut().map_or(Ok(()), |images| images.append(Data::Float32(values)))?;
                0
            }
            Computed::ImagesEnd => self.images.take().map_or(Ok(0), OpenShard::finish)?,
            Computed::Map { key, values } => {
                self.map(group, shard, &key, values)?;
                0
            }
            Computed::MapsEnd { key, completeness } => {
                let beside = completeness.map_or(Ok(0), |completeness| self.deltas(shard, &key, completeness))?;
                beside + self.finish(group, shard, &key)?
            }
            Computed::Act(act) => act(group, &mut self.shards)?,
        };
        Ok(())
    }

    fn deltas(&mut self, shard: u64, key: &str, completeness: Completeness) -> Result<u64, UnitError> {
        let missed = completeness.missed();
        if missed > INCOMPLETE {
            self.incomplete.push((key.to_owned(), missed));
        }
        Ok(self.shards.put(&convergence_delta(key), shard, Data::Float32(completeness.deltas))?)
    }

    /// Appends the map of the next image.
    fn map(&mut self, group: &Group, shard: u64, key: &str, values: MapValues) -> Result<(), UnitError> {
        if !self.open.contains_key(key) {
            let open = self.shards.begin(&attribution(key), shard, count(group, shard))?;
            let next = group.range(shard).start;
            let open = Open { shard: open, underflow: Vec::new(), waiting: Vec::new(), next };
            self.open.insert(key.to_owned(), open);
        }
        let Some(open) = self.open.get_mut(key) else { return Ok(()) };
        open.waiting.push(values);
        if open.waiting.len() >= self.lanes { open.append(key, group.numerics.dtype) } else { Ok(()) }
    }

    /// Puts the maps in place, after all that belongs to the maps.
    fn finish(&mut self, group: &Group, shard: u64, key: &str) -> Result<u64, UnitError> {
        let Some(mut open) = self.open.remove(key) else { return Ok(0) };
        open.append(key, group.numerics.dtype)?;
        let Open { shard: open, underflow: lost, .. } = open;
        if group.numerics.dtype == Dtype::Float32 {
            return Ok(open.finish()?);
        }
        let mean = lost.iter().sum::<f32>() / lost.len().max(1) as f32;
        if mean > UNDERFLOW {
            self.underflow.push((key.to_owned(), mean));
        }
        let beside = self.shards.put(&underflow(key), shard, Data::Float32(lost))?;
        Ok(beside + open.finish()?)
    }
}

impl Open {
    /// Encodes the maps that wait, each in a thread of its own, and appends them.
    fn append(&mut self, key: &str, dtype: Dtype) -> Result<(), UnitError> {
        let (encoder, waiting) = (self.shard.encoder(), std::mem::take(&mut self.waiting));
        let first = self.next;
        self.next += waiting.len() as u64;
        let encode = |(image, values): (u64, MapValues)| encoded(&encoder, key, dtype, image, values);
        let done: Vec<Result<_, StoreError>> = thread::scope(|scope| {
            let encode = &encode;
            let mut numbered: Vec<_> = (first..).zip(waiting).collect();
            let here = numbered.pop();
            let others: Vec<_> = numbered.into_iter().map(|one| scope.spawn(move || encode(one))).collect();
            let here = here.map(encode);
            others.into_iter().map(joined).chain(here).collect()
        });
        for done in done {
            let (bytes, lost) = done?;
            self.underflow.extend(lost);
            self.shard.append_encoded(bytes)?;
        }
        Ok(())
    }
}

/// Result of a thread. A panic of the thread goes on here.
fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Encodes the map of `image`, and finds the share that half precision loses.
fn encoded(
    encoder: &Encoder,
    key: &str,
    dtype: Dtype,
    image: u64,
    values: MapValues,
) -> Result<(Encoded, Vec<f32>), StoreError> {
    if let MapValues::Shared(map @ SharedMap { unrounded: Some(unrounded), .. }) = &values {
        let lost = lost(key, map.bytes(), *unrounded, image)?;
        return Ok((encoder.encode_bytes(map.bytes())?, vec![lost]));
    }
    if let (MapValues::Shared(map), Dtype::Float32) = (&values, dtype) {
        return Ok((encoder.encode_bytes(map.bytes())?, Vec::new()));
    }
    let values = values.into_floats();
    if dtype == Dtype::Float32 {
        return Ok((encoder.encode(Data::Float32(values))?, Vec::new()));
    }
    let narrowed = narrow(key, &values, values.len().max(1), image)?;
    Ok((encoder.encode(Data::Float16(narrowed.values))?, narrowed.underflow))
}

/// Number of images of `shard`.
fn count(group: &Group, shard: u64) -> u64 {
    let range = group.range(shard);
    range.end - range.start
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::device::tests::ALONE;
    use crate::example;

    /// What `lanes` maps at once make of five maps, and the bytes of the file.
    fn written(dtype: Dtype, lanes: usize, values: impl Fn(u64) -> Vec<f32>) -> Result<(Writer, Vec<u8>), UnitError> {
        let _alone = ALONE.lock();
        let folder = tempfile::tempdir().unwrap();
        let group = example::group(folder.path(), dtype);
        example::store_of(&group);
        let mut writer = Writer::new(&group, "t".into(), Arc::default(), lanes);
        let key = || "Saliency".to_owned();
        for image in 0..5 {
            writer.write(
                &group,
                Part::Shard(0),
                Computed::Map { key: key(), values: MapValues::Own(values(image)) },
            )?;
        }
        writer.write(&group, Part::Shard(0), Computed::MapsEnd { key: key(), completeness: None })?;
        let file = fs::read(group.store.join(attribution("Saliency")).join("c.0.0.0.0")).unwrap();
        Ok((writer, file))
    }

    #[test]
    fn how_many_maps_are_encoded_at_once_shows_nowhere() {
        // 1e-9 is zero in half precision: half of what image 3 has is lost.
        let values = |image: u64| vec![image as f32, 0.5, if image == 3 { 1e-9 } else { 2.0 }, 0.0];
        for dtype in [Dtype::Float16, Dtype::Float32] {
            let (one, file) = written(dtype, 1, values).unwrap();
            assert!(!file.is_empty());
            for lanes in [2, 3, 8] {
                let (several, same) = written(dtype, lanes, values).unwrap();
                assert!(file == same, "{lanes} at once");
                assert_eq!((one.bytes, &one.underflow), (several.bytes, &several.underflow));
            }
        }
    }

    #[test]
    fn a_map_that_does_not_fit_its_type_is_told_by_its_image_whoever_encodes_it() {
        for lanes in [1, 2, 8] {
            let Err(error) = written(Dtype::Float16, lanes, |image| vec![if image == 3 { 1e6 } else { 1.0 }; 4]) else {
                panic!("1e6 is infinity in half precision")
            };
            assert!(error.text().contains("image 3"), "{}", error.text());
        }
    }
}

//! The schema: every array of a group's store, and how it is cut into shards and chunks.
//!
//! As the reference scripts lay it out, so that their readers go on working. A shard is one file and
//! the unit of writing; inside it each image is a chunk of its own, so that one map is read without
//! its neighbours. Chunk files lie flat beside their `zarr.json` (`c.3.0.0.0`): one look at a folder
//! tells which shards are there. Fill values are NaN: a missing map cannot be taken for a zero one.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sweep::config::Compression;
use sweep::fingerprint;
use sweep::group::{Dtype, Group};
use zarrs::array::codec::{Crc32cCodec, ZstdCodec};
use zarrs::array::{ArrayBuilder, ArrayCreateError, BytesToBytesCodecTraits, DataType, FillValue, data_type};
use zarrs::metadata::ChunkKeySeparator;

use crate::name;

/// Zstandard level: 1 compresses maps no less, 3 compresses images of 256 levels better.
const ZSTD_LEVEL: i32 = 3;

/// Labels of a group's images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Labels an image.
    pub width: usize,
    /// Classes that occur among the images; empty for a multi-label set, which has no class means, and where there are no labels.
    pub classes: BTreeSet<i64>,
}

/// The group of the maps.
pub(crate) const ATTRIBUTIONS: &str = "attributions";

/// What the path of every node that a run makes begins with.
pub(crate) const FIRST: [&str; 8] = [
    name::IMAGES,
    name::LABELS,
    name::PREDICTIONS,
    name::INDICES,
    ATTRIBUTIONS,
    "underflow",
    "convergence_delta",
    "means",
];

/// Path of the array that holds the maps of the variant called `key`.
pub fn attribution(key: &str) -> String {
    format!("attributions/{key}")
}

/// Path of the array that holds, for each image, the share of non-zero values of `key` that float16 stores as zero.
pub fn underflow(key: &str) -> String {
    format!("underflow/{key}")
}

/// Path of the array that holds, for each image, what the map of `key` misses of the change of the logit.
pub fn convergence_delta(key: &str) -> String {
    format!("convergence_delta/{key}")
}

/// Path of a mean image: over all images, or over those of `class`.
pub(crate) fn mean(class: Option<i64>) -> String {
    class.map_or_else(|| "means/overall".to_owned(), |class| format!("means/class_{class}"))
}

/// The only chunk file of a mean image.
pub(crate) const MEAN_FILE: &str = "c.0.0.0";

/// `zarr.json` of every array of `group`, by path.
pub fn arrays(
    group: &Group,
    labels: &Labels,
    compression: Compression,
) -> Result<Vec<(String, Value)>, ArrayCreateError> {
    let [c, h, w] = group.shape.map(|size| size as u64);
    let (n, shard) = (group.images, group.shard);
    let image = Array { shape: vec![n, c, h, w], inner: vec![1, c, h, w], names: vec!["sample", "channel", "y", "x"] };
    let mean_image = Array { shape: vec![c, h, w], inner: Vec::new(), names: vec!["channel", "y", "x"] };
    let scalar = Array { shape: vec![n], inner: Vec::new(), names: vec!["sample"] };
    let logits = Array { shape: vec![n, group.classes as u64], inner: Vec::new(), names: vec!["sample", "class"] };
    let label = match labels.width {
        1 => scalar.clone(),
        width => Array { shape: vec![n, width as u64], inner: Vec::new(), names: vec!["sample", "label"] },
    };
    let dtype = group.numerics.dtype;
    let none = Map::new;
    let mut planned = vec![
        (name::IMAGES.to_owned(), image.clone(), float(Dtype::Float32), shard, none()),
        (name::LABELS.to_owned(), label, integer(), shard, none()),
        (name::PREDICTIONS.to_owned(), logits, float(Dtype::Float32), shard, none()),
        (name::INDICES.to_owned(), scalar.clone(), integer(), shard, none()),
    ];
    for class in std::iter::once(None).chain(labels.classes.iter().copied().map(Some)) {
        planned.push((mean(class), mean_image.clone(), float(Dtype::Float32), c, none()));
    }
    for variant in &group.variants {
        let of_array = attributes(&json!({"attrisweep": fingerprint::of_variant(group, variant)}));
        planned.push((attribution(&variant.key), image.clone(), float(dtype), shard, of_array));
        if dtype == Dtype::Float16 {
            let text = "share of an image's non-zero values that float16 stores as zero";
            let of_array = attributes(&json!({"description": text}));
            planned.push((underflow(&variant.key), scalar.clone(), float(Dtype::Float32), shard, of_array));
        }
        if variant.complete {
            let text = "sum of an image's map minus the change of its target logit from the baseline to the image";
            let of_array = attributes(&json!({"description": text}));
            planned.push((convergence_delta(&variant.key), scalar.clone(), float(Dtype::Float32), shard, of_array));
        }
    }
    let built = planned.into_iter().map(|(path, array, element, shard, attributes)| {
        Ok((path, array.metadata(element, shard, compression, attributes)?))
    });
    built.collect()
}

fn attributes(object: &Value) -> Map<String, Value> {
    object.as_object().cloned().unwrap_or_default()
}

/// An element type with the value that stands for "not there".
type Element = (DataType, FillValue);

fn float(dtype: Dtype) -> Element {
    match dtype {
        Dtype::Float16 => (data_type::float16(), FillValue::from(half::f16::NAN)),
        Dtype::Float32 => (data_type::float32(), FillValue::from(f32::NAN)),
    }
}

/// Indices are never negative, and a label is only where an image has none.
fn integer() -> Element {
    (data_type::int64(), FillValue::from(-1_i64))
}

/// Shape of an array.
#[derive(Clone)]
struct Array {
    shape: Vec<u64>,
    /// Chunk inside a shard; empty where the shard is the chunk.
    inner: Vec<u64>,
    names: Vec<&'static str>,
}

impl Array {
    fn metadata(
        &self,
        (data_type, fill): Element,
        shard: u64,
        compression: Compression,
        attributes: Map<String, Value>,
    ) -> Result<Value, ArrayCreateError> {
        let mut chunk = self.shape.clone();
        chunk[0] = shard;
        let mut codecs: Vec<Arc<dyn BytesToBytesCodecTraits>> = Vec::new();
        if compression == Compression::Zstd {
            codecs.push(Arc::new(ZstdCodec::new(ZSTD_LEVEL, false)));
        }
        codecs.push(Arc::new(Crc32cCodec::new()));
        let mut builder = ArrayBuilder::new(self.shape.clone(), chunk, data_type, fill);
        builder
            .chunk_key_encoding_default_separator(ChunkKeySeparator::Dot)
            .bytes_to_bytes_codecs(codecs)
            .dimension_names(Some(self.names.iter().copied()))
            .attributes(attributes);
        if !self.inner.is_empty() {
            builder.subchunk_shape(self.inner.clone());
        }
        // Metadata as this crate builds it always has a JSON form.
        Ok(serde_json::to_value(builder.build_metadata()?).unwrap_or(Value::Null))
    }
}

//! Schema: the metadata of every array of a group's store, and the way in which arrays are cut into shards and chunks.
//!
//! The layout is that of the reference scripts, so that their readers go on working. A shard is one file and the unit of writing;
//! inside a shard each image is a chunk of its own, so that one map is read without its neighbours; small images share chunks
//! (decision 063), since readers spend more on a small chunk than on its bytes. Files of shards lie flat beside `zarr.json`
//! (`c.3.0.0.0`), so that one look at a folder lists the shards. Fill values are NaN, so that no missing map is taken for a map of
//! zeros.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sweep::config::Compression;
use sweep::evaluation::Axis;
use sweep::fingerprint;
use sweep::group::{Dtype, Group};
use sweep::variant::Variant;
use zarrs::array::codec::{Crc32cCodec, ZstdCodec};
use zarrs::array::{ArrayBuilder, ArrayCreateError, BytesToBytesCodecTraits, DataType, FillValue, data_type};
use zarrs::metadata::ChunkKeySeparator;

use crate::families::{self, Element, FAMILIES, Family, Members, Shape};
use crate::ledger::evaluation_arrays;

/// Zstandard level: 1 leaves nine times as much of maps of patches and more of images; levels above 3 take longer and spare nothing that
/// shows beside maps of gradients, which no codec compresses (docs/benchmarks.md).
const ZSTD_LEVEL: i32 = 3;

/// Largest size in bytes of a chunk of several images, decoded (decision 063 has the measurements).
const SEVERAL: u64 = 256 << 10;

/// Images that share a chunk inside a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// As many as have no more than 256 KiB together, at least one.
    Several,
    /// One image a chunk, as earlier builds cut.
    Single,
}

impl Sharing {
    /// Number of images of `bytes` bytes that share a chunk: chunks fill a shard of `shard` images.
    fn images(self, shard: u64, bytes: u64) -> u64 {
        let most = if self == Self::Several { (SEVERAL / bytes.max(1)).min(shard) } else { 1 };
        (1..=most).rev().find(|images| shard.is_multiple_of(*images)).unwrap_or(1)
    }
}

/// Labels of a group's images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Number of labels of one image.
    pub width: usize,
    /// Classes that occur among the images; empty for a multi-label set, which has no class means, and for a set without labels.
    pub classes: BTreeSet<i64>,
}

/// Name of the only chunk file of a mean image.
pub(crate) const MEAN_FILE: &str = "c.0.0.0";

/// `zarr.json` of every array of `group`, by path.
pub(crate) fn arrays(
    group: &Group,
    labels: &Labels,
    (compression, sharing): (Compression, Sharing),
) -> Result<Vec<(String, Value)>, ArrayCreateError> {
    let mut built = Vec::new();
    for family in FAMILIES {
        let stored = stored(family.element, group.numerics.dtype);
        let array = Array::of(family.shape, group, labels, |values| {
            sharing.images(group.shard, values * stored.1.size() as u64)
        });
        for (path, attributes) in members(family, group, labels) {
            built.push((path, array.metadata(stored.clone(), compression, attributes)?));
        }
    }
    for (path, axes) in evaluation_arrays(group) {
        let array = Array::of_axes(axes, group);
        built.push((path, array.metadata(stored(Element::Float32, group.numerics.dtype), compression, Map::new())?));
    }
    Ok(built)
}

/// Paths of the arrays of `family`, with their attributes.
fn members(family: &Family, group: &Group, labels: &Labels) -> Vec<(String, Map<String, Value>)> {
    let described = family.description.map_or_else(Map::new, |text| attributes(&json!({"description": text})));
    match family.members {
        Members::OfEvaluation => Vec::new(),
        Members::OfGroup => vec![(family.path.to_owned(), described)],
        Members::OfClasses => {
            let classes = labels.classes.iter().copied().map(Some);
            std::iter::once(None).chain(classes).map(|class| (families::mean(class), described.clone())).collect()
        }
        Members::OfVariants(_) => {
            let has = |variant: &&Variant| family.has(&group.numerics, variant);
            let of_maps = family.element == Element::Map;
            let of_array = |variant: &Variant| {
                if of_maps {
                    attributes(&json!({"attrisweep": fingerprint::of_variant(group, variant)}))
                } else {
                    described.clone()
                }
            };
            group.variants.iter().filter(has).map(|variant| (family.of(&variant.key), of_array(variant))).collect()
        }
    }
}

fn attributes(object: &Value) -> Map<String, Value> {
    object.as_object().cloned().unwrap_or_default()
}

/// Element type of an array, with the value that stands for a missing one. Indices are never negative, and a label is negative
/// only where an image has none.
fn stored(element: Element, maps: Dtype) -> (DataType, FillValue) {
    match (element, maps) {
        (Element::Map, Dtype::Float16) => (data_type::float16(), FillValue::from(half::f16::NAN)),
        (Element::Map | Element::Float32, _) => (data_type::float32(), FillValue::from(f32::NAN)),
        (Element::Int64, _) => (data_type::int64(), FillValue::from(-1_i64)),
    }
}

/// Shape of an array, and the parts that it is stored in.
struct Array<'a> {
    shape: Vec<u64>,
    /// Size of a shard along the first dimension.
    shard: u64,
    /// Shape of a chunk inside a shard; empty where the shard is the chunk.
    inner: Vec<u64>,
    /// Names of the dimensions.
    names: Vec<&'a str>,
}

impl<'a> Array<'a> {
    /// Array of `shape`. `together` says how many images of so many values share a chunk.
    fn of(shape: Shape, group: &Group, labels: &Labels, together: impl Fn(u64) -> u64) -> Self {
        let [c, h, w] = group.shape.map(|size| size as u64);
        let (n, shard) = (group.images, group.shard);
        let plain = |shape, names| Self { shape, shard, inner: Vec::new(), names };
        match (shape, labels.width) {
            (Shape::Images, _) => Self {
                shape: vec![n, c, h, w],
                shard,
                inner: vec![together(c * h * w), c, h, w],
                names: vec!["sample", "channel", "y", "x"],
            },
            (Shape::Image, _) => Self { shard: c, ..plain(vec![c, h, w], vec!["channel", "y", "x"]) },
            (Shape::Logits, _) => plain(vec![n, group.classes as u64], vec!["sample", "class"]),
            (Shape::Numbers, _) | (Shape::Labels, 1) => plain(vec![n], vec!["sample"]),
            (Shape::Labels, width) => plain(vec![n, width as u64], vec!["sample", "label"]),
        }
    }

    /// Array with a row of these `axes` for each image.
    fn of_axes(axes: &'a [Axis], group: &Group) -> Self {
        let shape = std::iter::once(group.images).chain(axes.iter().map(|axis| axis.size)).collect();
        let names = std::iter::once("sample").chain(axes.iter().map(|axis| axis.name.as_str())).collect();
        Self { shape, shard: group.shard, inner: Vec::new(), names }
    }

    fn metadata(
        &self,
        (data_type, fill): (DataType, FillValue),
        compression: Compression,
        attributes: Map<String, Value>,
    ) -> Result<Value, ArrayCreateError> {
        let mut chunk = self.shape.clone();
        chunk[0] = self.shard;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_fill_their_shard_with_as_many_images_as_have_256_kib() {
        // Bytes of an image in half precision: 28, 64, 128 and 224 px, three channels.
        let bytes = [28, 64, 128, 224].map(|side: u64| 3 * side * side * 2);
        assert_eq!(bytes.map(|bytes| Sharing::Several.images(64, bytes)), [32, 8, 2, 1]);
        // 55 images of 28 px have 253 KiB; the shards of 50 and 53 images fit whole, those of 106 are cut into two.
        assert_eq!([50, 53, 106, 59].map(|shard| Sharing::Several.images(shard, bytes[0])), [50, 53, 53, 1]);
        assert_eq!([1, 64].map(|shard| Sharing::Single.images(shard, bytes[0])), [1, 1]);
        assert_eq!(Sharing::Several.images(8, 0), 8);
    }
}

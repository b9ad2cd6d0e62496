//! A part of a finished store, read image by image.

use std::path::Path;

use serde_json::{Value, json};

use super::columns::{Column, columns};
use super::selection::Selection;
use crate::error::StoreError;
use crate::metadata::{Described, describe};
use crate::packed::unpack::inside;
use crate::shards::{Data, Shards};

/// A part of a finished store that is being read.
pub struct View {
    pub(crate) described: Described,
    pub(crate) columns: Vec<Column>,
    /// Positions of the images in the store, in their order.
    pub(crate) images: Vec<u64>,
    shards: Shards,
    float32: bool,
}

impl View {
    /// Opens the part `selection` of the store at `place`.
    ///
    /// # Errors
    /// [`StoreError::NothingSelected`] if the store has no such methods or images.
    pub fn open(place: &Path, selection: &Selection) -> Result<Self, StoreError> {
        let nothing = |what: String| StoreError::NothingSelected { path: place.to_owned(), what };
        let described = describe(place)?.ok_or_else(|| nothing("store".to_owned()))?;
        if !described.asked.iter().any(|key| selection.has(key)) {
            let keys: Vec<&str> = described.asked.iter().map(String::as_str).collect();
            return Err(nothing(format!(
                "method like `{}`; there are {}",
                selection.methods.join("`, `"),
                keys.join(", ")
            )));
        }
        let images = described.group.images;
        let beyond =
            |range: std::ops::Range<u64>| nothing(format!("images {}..{}; there are {images}", range.start, range.end));
        let images = selection.positions(images).map_err(beyond)?;
        let columns = columns(&described, selection)?;
        for path in described.consolidated.keys().chain(columns.iter().map(|column| &column.path)) {
            // An export or an unpacked store has files and folders of these names.
            inside(place, path).ok_or_else(|| StoreError::Damaged {
                path: place.to_owned(),
                reason: format!("its array `{path}` would lie outside of the store"),
            })?;
        }
        let shards = Shards::open(place.to_owned(), String::new());
        Ok(Self { described, columns, images, shards, float32: selection.float32 })
    }

    /// Number of images.
    pub fn len(&self) -> u64 {
        self.images.len() as u64
    }

    /// Whether the part has no image.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Gives the values of `column` to `take`, in the order of the images: an image or a map at a time, or rows of numbers. Each time with
    /// the position in the export of the first.
    pub(crate) fn each(
        &mut self,
        column: &Column,
        mut take: impl FnMut(u64, Data) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if !column.of_images {
            let first = column.row.first().copied().unwrap_or(1);
            return take(0, Data::Float32(self.shards.floats(&column.path, 0, first)?));
        }
        let group = self.described.group.clone();
        let mut position = 0;
        let all = std::mem::take(&mut self.images);
        let read = all.chunk_by(|one, other| one / group.shard == other / group.shard).try_for_each(|images| {
            let shard = images[0] / group.shard;
            let inside: Vec<usize> = images.iter().map(|image| (image % group.shard) as usize).collect();
            if !column.is_cut {
                let range = group.range(shard);
                let rows = self.shards.rows(&column.path, shard, range.end - range.start, &inside)?;
                take(position, rows)?;
                position += images.len() as u64;
                return Ok(());
            }
            let mut taken = Ok(());
            self.shards.some(&column.path, shard, &inside, |data| {
                let data = if self.float32 { widened(data) } else { data };
                // The first error counts; what follows is read in vain, for one shard at most.
                if taken.is_ok() {
                    taken = take(position, data);
                }
                position += 1;
            })?;
            taken
        });
        self.images = all;
        read
    }

    /// Attributes of the root for programs that do not know stores: what the numbers were computed from, under another name than that
    /// of a store, as a part of a store is none.
    pub(crate) fn attributes(&self) -> Value {
        let mut attributes = self.described.attributes.clone();
        let ours = attributes.as_object_mut().and_then(|attributes| attributes.shift_remove("attrisweep"));
        attributes[SOURCE] = ours.unwrap_or(Value::Null);
        if self.len() != self.described.group.images {
            attributes[SOURCE]["images"] = json!(self.images);
        }
        attributes
    }
}

/// Name of the attribute that says what an export was made of.
pub(crate) const SOURCE: &str = "attrisweep_source";

fn widened(data: Data) -> Data {
    match data {
        Data::Float16(values) => Data::Float32(values.into_iter().map(half::f16::to_f32).collect()),
        other => other,
    }
}

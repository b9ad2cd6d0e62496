//! A part of a store as a Zarr folder: laid out as a store is, with fewer images or methods, or with maps in single precision.
//!
//! What the numbers were computed from stands in another attribute than that of a store, so that no sweep goes on with a part.

use std::path::Path;

use files::durable;
use serde_json::{Value, json};

use super::columns::Column;
use super::view::View;
use crate::error::StoreError;
use crate::metadata::root::{METADATA, Nodes, put_json, root};
use crate::shards::{OpenShard, Shards};

/// Writes `view` into `folder`, which is made. Returns the number of bytes of its shards.
pub(crate) fn write(view: &mut View, folder: &Path) -> Result<u64, StoreError> {
    let tag = std::process::id().to_string();
    let nodes = nodes(view);
    for (path, node) in &nodes {
        durable::create_folders(&folder.join(path))?;
        put_json(&folder.join(path).join(METADATA), node, &tag)?;
    }
    let mut shards = Shards::open(folder.to_owned(), tag.clone());
    let mut bytes = 0;
    for column in view.columns.clone() {
        bytes += copy(view, &column, &mut shards)?;
    }
    put_json(&folder.join(METADATA), &root(&view.attributes(), nodes), &tag)?;
    Ok(bytes)
}

/// Copies an array of `view`. Returns the number of bytes of its shards.
pub(crate) fn copy(view: &mut View, column: &Column, shards: &mut Shards) -> Result<u64, StoreError> {
    if column.is_cut { copy_images(view, column, shards) } else { copy_rows(view, column, shards) }
}

/// Metadata of the arrays and of the Zarr groups above them.
fn nodes(view: &View) -> Nodes {
    let mut nodes = Nodes::new();
    for column in &view.columns {
        let mut node = view.described.consolidated.get(&column.path).cloned().unwrap_or(Value::Null);
        if column.of_images {
            node["shape"][0] = view.len().into();
        }
        // The fill value of both float types is NaN, and their bytes have one order.
        if node["data_type"] == "float16" && column.element == files::torch::ElementType::Float32 {
            node["data_type"] = "float32".into();
        }
        if let Some((group, _)) = column.path.split_once('/') {
            nodes.insert(group.to_owned(), json!({"zarr_format": 3, "node_type": "group", "attributes": {}}));
        }
        nodes.insert(column.path.clone(), node);
    }
    nodes
}

/// Copies an array that is cut into images.
fn copy_images(view: &mut View, column: &Column, shards: &mut Shards) -> Result<u64, StoreError> {
    let (images, size) = (view.len(), view.described.group.shard);
    let (mut open, mut bytes): (Option<OpenShard>, u64) = (None, 0);
    view.each(column, |position, data| {
        if position.is_multiple_of(size) {
            bytes += open.take().map_or(Ok(0), OpenShard::finish)?;
            open = Some(shards.begin(&column.path, position / size, size.min(images - position))?);
        }
        open.as_mut().map_or(Ok(()), |shard| shard.append(data))
    })?;
    Ok(bytes + open.map_or(Ok(0), OpenShard::finish)?)
}

/// Copies an array of numbers, or one without a row for each image.
fn copy_rows(view: &mut View, column: &Column, shards: &mut Shards) -> Result<u64, StoreError> {
    let per_row = column.element.size() * column.row.iter().product::<u64>();
    let whole = if column.of_images { (per_row * view.described.group.shard) as usize } else { usize::MAX };
    let (mut rows, mut shard, mut bytes) = (Vec::new(), 0, 0);
    view.each(column, |_, data| {
        rows.extend(data.into_bytes());
        while rows.len() >= whole {
            let rest = rows.split_off(whole);
            bytes += shards.put_bytes(&column.path, shard, std::mem::replace(&mut rows, rest))?;
            shard += 1;
        }
        Ok(())
    })?;
    if !rows.is_empty() {
        bytes += shards.put_bytes(&column.path, shard, rows)?;
    }
    Ok(bytes)
}

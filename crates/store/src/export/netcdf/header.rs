//! Header of a netCDF file: dimensions, attributes, and the place of each variable.

use std::path::Path;

use serde_json::Value;

use super::super::columns::Column;
use super::super::view::View;
use crate::error::StoreError;

/// Tags of lists, and of types.
mod tag {
    pub(super) const DIMENSIONS: u32 = 0x0a;
    pub(super) const VARIABLES: u32 = 0x0b;
    pub(super) const ATTRIBUTES: u32 = 0x0c;
    pub(super) const CHAR: u32 = 2;
    pub(super) const INT: u32 = 4;
    pub(super) const FLOAT: u32 = 5;
}

/// Name of the record dimension.
const RECORDS: &str = "sample";

/// Place of a variable: of its first row in the file, and the distance to the next row, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) begin: u64,
    pub(super) stride: u64,
}

/// Header of a file, and the places of its variables in the order of the columns.
pub(super) struct Header {
    pub(super) bytes: Vec<u8>,
    pub(super) places: Vec<Place>,
}

impl Header {
    /// Header of the file at `path` of `view`.
    pub(super) fn of(view: &View, path: &Path) -> Result<Self, StoreError> {
        let records =
            u32::try_from(view.len()).ok().filter(|records| *records < u32::MAX).ok_or_else(|| too_many(path))?;
        let unplaced = vec![Place { begin: 0, stride: 0 }; view.columns.len()];
        // The size of a header does not depend on the places in it.
        let length = written(view, records, &unplaced).len() as u64;
        let places = places(&view.columns, length);
        Ok(Self { bytes: written(view, records, &places), places })
    }
}

fn too_many(path: &Path) -> StoreError {
    let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, "a NetCDF file has at most 4294967294 images");
    StoreError::Write { path: path.to_owned(), source }
}

/// Size of one row of a column, or of all of a column without records, in bytes.
fn size(column: &Column) -> u64 {
    4 * column.row.iter().product::<u64>()
}

/// Places behind a header of `length` bytes: first the variables without records, then record after record.
fn places(columns: &[Column], length: u64) -> Vec<Place> {
    let fixed: u64 = columns.iter().filter(|column| !column.of_images).map(size).sum();
    let record: u64 = columns.iter().filter(|column| column.of_images).map(size).sum();
    let (mut next_fixed, mut next_record) = (length, length + fixed);
    let place = |column: &Column| {
        let next = if column.of_images { &mut next_record } else { &mut next_fixed };
        let begin = *next;
        *next += size(column);
        Place { begin, stride: record }
    };
    columns.iter().map(place).collect()
}

fn written(view: &View, records: u32, places: &[Place]) -> Vec<u8> {
    let mut bytes = b"CDF\x02".to_vec();
    push(&mut bytes, records);
    let dimensions = dimensions(&view.columns);
    list(&mut bytes, tag::DIMENSIONS, dimensions.len());
    for (name, length) in &dimensions {
        text(&mut bytes, name);
        push(&mut bytes, *length);
    }
    attributes(&mut bytes, &view.attributes());
    list(&mut bytes, tag::VARIABLES, view.columns.len());
    for (column, place) in view.columns.iter().zip(places) {
        text(&mut bytes, &column.path.replace('/', "_"));
        push(&mut bytes, column.dimensions.len() as u32);
        for dimension in named(column) {
            push(&mut bytes, dimensions.iter().position(|known| *known == dimension).unwrap_or_default() as u32);
        }
        attributes(&mut bytes, &column.attributes);
        push(&mut bytes, if column.is_integer() { tag::INT } else { tag::FLOAT });
        // Rows have at most 64 MiB.
        push(&mut bytes, size(column) as u32);
        bytes.extend(place.begin.to_be_bytes());
    }
    bytes
}

/// Dimensions of a column, with their sizes; that of the records has none.
fn named(column: &Column) -> Vec<(String, u32)> {
    let records = column.of_images.then_some(0);
    let sizes = records.into_iter().chain(column.row.iter().map(|size| *size as u32));
    column.dimensions.iter().cloned().zip(sizes).collect()
}

/// Every dimension once, the records first.
fn dimensions(columns: &[Column]) -> Vec<(String, u32)> {
    let mut all = vec![(RECORDS.to_owned(), 0)];
    for dimension in columns.iter().flat_map(named) {
        if !all.contains(&dimension) {
            all.push(dimension);
        }
    }
    all
}

/// Appends attributes: texts as they are, everything else as JSON.
fn attributes(bytes: &mut Vec<u8>, attributes: &Value) {
    let attributes: Vec<(&String, &Value)> = attributes.as_object().into_iter().flatten().collect();
    list(bytes, tag::ATTRIBUTES, attributes.len());
    for (name, value) in attributes {
        text(bytes, name);
        push(bytes, tag::CHAR);
        text(bytes, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
}

/// Appends the beginning of a list.
fn list(bytes: &mut Vec<u8>, tag: u32, count: usize) {
    push(bytes, if count == 0 { 0 } else { tag });
    push(bytes, count as u32);
}

/// Appends the length of `text` and the text, filled up to a multiple of four bytes.
fn text(bytes: &mut Vec<u8>, text: &str) {
    push(bytes, text.len() as u32);
    bytes.extend(text.bytes());
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

fn push(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend(number.to_be_bytes());
}

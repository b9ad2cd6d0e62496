//! One netCDF file, for programs of climate and statistics: the classic format with 64-bit offsets (CDF-2), which every reader knows.
//!
//! <https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html>
//!
//! The dimension `sample` is the record dimension, whose variables may have any size in all: each variable has a row in each record,
//! record after record. The format has no half precision, no integers of 64 bits and no groups: maps are written as float32, labels
//! and positions as int32, and `attributions/Saliency` is called `attributions_Saliency`. Numbers are big-endian.

mod header;

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use files::pending::PendingFile;

use super::columns::Column;
use super::view::View;
use crate::error::StoreError;
use crate::families::MEASUREMENTS;
use crate::packed::tree;
use crate::shards::Data;
use header::Header;

/// Ending of the names of netCDF files.
pub(super) const SUFFIX: &str = ".nc";

/// First bytes of a netCDF file.
const MAGIC: &[u8] = b"CDF";

/// Writes `view` to the netCDF file `path`; another netCDF file there is replaced. Returns the number of bytes.
///
/// # Errors
/// [`StoreError::InTheWay`] where `path` is another file, [`StoreError::Encode`] for a label that int32 cannot hold.
pub(super) fn write(view: &mut View, path: &Path) -> Result<u64, StoreError> {
    if path.exists() && !tree::open(path).and_then(|file| file.read(0, 3)).is_ok_and(|bytes| bytes == MAGIC) {
        return Err(StoreError::InTheWay { path: path.to_owned() });
    }
    let failed = |source| StoreError::Write { path: path.to_owned(), source };
    // A dimension of a netCDF file has one size; measurements have steps and runs of many. Scores have neither.
    view.columns.retain(|column| !column.path.starts_with(MEASUREMENTS.path));
    let header = Header::of(view, path)?;
    let mut file = PendingFile::create_locked(path, &std::process::id().to_string())?;
    file.append(&header.bytes)?;
    for (column, place) in view.columns.clone().iter().zip(&header.places) {
        let row = 4 * column.row.iter().product::<u64>();
        view.each(column, |first, data| {
            let bytes = big_endian(column, first, data)?;
            for (image, row) in (first..).zip(bytes.chunks(row.max(1) as usize)) {
                file.seek(SeekFrom::Start(place.begin + image * place.stride)).map_err(failed)?;
                file.write_all(row).map_err(failed)?;
            }
            Ok(())
        })?;
    }
    let bytes = file.size()?;
    file.place()?;
    Ok(bytes)
}

/// Big-endian bytes of values of four bytes each.
fn big_endian(column: &Column, first: u64, data: Data) -> Result<Vec<u8>, StoreError> {
    Ok(match data {
        Data::Float16(values) => values.iter().flat_map(|value| value.to_f32().to_be_bytes()).collect(),
        Data::Float32(values) => values.iter().flat_map(|value| value.to_be_bytes()).collect(),
        Data::Int64(values) => {
            let narrow = |value: &i64| i32::try_from(*value).map_err(|_| too_large(column, first, *value));
            let values = values.iter().map(narrow).collect::<Result<Vec<i32>, _>>()?;
            values.iter().flat_map(|value| value.to_be_bytes()).collect()
        }
    })
}

fn too_large(column: &Column, first: u64, value: i64) -> StoreError {
    let reason = format!("{value} does not fit into the integers of NetCDF, which have 32 bits");
    StoreError::Encode { array: column.path.clone(), shard: first, reason }
}

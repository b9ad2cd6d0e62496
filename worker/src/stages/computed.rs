//! Values on their way from the device to the store.

use std::sync::Arc;

use store::{Completeness, Shards, Unrounded, widened};
use sweep::group::Group;

use crate::device::pinned::{Lent, floats};
use crate::unit_error::UnitError;

/// Act of the writing stage, for what is no array of a shard. Returns the number of bytes that were written.
pub(crate) type Act = Box<dyn FnOnce(&Group, &mut Shards) -> Result<u64, UnitError> + Send>;

/// Values of a shard on their way to the store. Images and maps go one by one, in order, and then their end.
pub(crate) enum Computed {
    Floats {
        array: &'static str,
        values: Vec<f32>,
    },
    Integers {
        array: &'static str,
        values: Vec<i64>,
    },
    Image(Vec<f32>),
    ImagesEnd,
    Map {
        key: String,
        values: MapValues,
    },
    /// End of the maps of a variant; for a complete method with the convergence delta of each map.
    MapsEnd {
        key: String,
        completeness: Option<Completeness>,
    },
    /// Another file that a kind of work writes, in the order of writing.
    Act(Act),
}

impl Computed {
    /// Bytes of memory that the values take.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = match self {
            Self::Floats { values, .. } | Self::Image(values) => size_of_val(&values[..]),
            Self::Map { values, .. } => values.bytes(),
            Self::Integers { values, .. } => size_of_val(&values[..]),
            Self::ImagesEnd | Self::MapsEnd { .. } | Self::Act(_) => 0,
        };
        bytes as u64
    }
}

/// Values of the map of one image.
pub(crate) enum MapValues {
    /// Values in single precision.
    Own(Vec<f32>),
    Shared(SharedMap),
}

impl MapValues {
    /// Bytes of memory that the values take.
    fn bytes(&self) -> usize {
        match self {
            Self::Own(values) => size_of_val(&values[..]),
            Self::Shared(map) => map.bytes().len(),
        }
    }

    /// The values in single precision.
    pub(crate) fn into_floats(self) -> Vec<f32> {
        match self {
            Self::Own(values) => values,
            Self::Shared(map) if map.unrounded.is_some() => widened(map.bytes()),
            Self::Shared(map) => floats(map.bytes()),
        }
    }
}

/// A map of those that a device has put into memory of the host together.
pub(crate) struct SharedMap {
    maps: Arc<Lent>,
    row: usize,
    count: usize,
    /// Values before the device has rounded the map to half precision; `None` if the map's values are in single precision.
    pub(crate) unrounded: Option<Unrounded>,
}

impl SharedMap {
    /// Map `row` of `count` in the memory of `maps`.
    pub(crate) fn new(maps: Arc<Lent>, (row, count): (usize, usize), unrounded: Option<Unrounded>) -> Self {
        Self { maps, row, count, unrounded }
    }

    /// Native bytes of the values, in place.
    pub(crate) fn bytes(&self) -> &[u8] {
        let all = self.maps.bytes();
        let each = all.len() / self.count.max(1);
        &all[self.row * each..(self.row + 1) * each]
    }
}

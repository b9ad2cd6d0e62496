//! Values on their way from the device to the store.

use store::{Completeness, Shards};
use sweep::group::Group;

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
        values: Vec<f32>,
    },
    /// End of the maps of a variant; for a complete method with the convergence delta of each map.
    MapsEnd {
        key: String,
        completeness: Option<Completeness>,
    },
    /// Anything else that a kind of work writes, in the order of writing.
    Act(Act),
}

impl Computed {
    /// Bytes of memory that the values take.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = match self {
            Self::Floats { values, .. } | Self::Image(values) | Self::Map { values, .. } => size_of_val(&values[..]),
            Self::Integers { values, .. } => size_of_val(&values[..]),
            Self::ImagesEnd | Self::MapsEnd { .. } | Self::Act(_) => 0,
        };
        bytes as u64
    }
}

//! Values on their way from the device to the store.

use store::{Completeness, Shards};
use sweep::group::Group;

use crate::unit_error::UnitError;

/// An act of the writing stage, for what is no array of a shard; gives the bytes that it has written.
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
    /// Of a complete method, with how far each map is from summing to what it should.
    MapsEnd {
        key: String,
        completeness: Option<Completeness>,
    },
    /// Anything else that a kind of work writes, in its turn.
    Act(Act),
}

impl Computed {
    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = match self {
            Self::Floats { values, .. } | Self::Image(values) | Self::Map { values, .. } => size_of_val(&values[..]),
            Self::Integers { values, .. } => size_of_val(&values[..]),
            Self::ImagesEnd | Self::MapsEnd { .. } | Self::Act(_) => 0,
        };
        bytes as u64
    }
}

//! Units of work: what a worker is given.

pub mod unit_id;

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::group::Group;
use crate::variant::{Shared, Variant};
use unit_id::UNNAMED;
pub use unit_id::UnitId;

/// Unit of work. Its kind of work says what doing a unit twice gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Group that the unit belongs to.
    pub group: Arc<Group>,
    /// Kind of work, by the name of its entry in the list of kinds.
    pub kind: Cow<'static, str>,
    /// Part of the group that the unit works on.
    pub part: Part,
    /// Piece of a shard that is split; `None` for all of the part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece: Option<Piece>,
    /// Keys of the variants whose maps the store lacks in this part; `None` where the store has no map of the part. Forecasts read
    /// the keys; a worker looks at the store itself, so that messages do not carry them.
    #[serde(skip)]
    pub missing: Option<Arc<[String]>>,
}

/// Piece of a shard, where whole shards would leave devices with nothing to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Piece {
    /// Images, labels and predictions, which come before all maps.
    Predictions,
    /// All variants that share the forward pass of the images.
    Pass,
    /// The variant of this key, and those that share nearly everything with that variant.
    Variant(String),
}

/// Part of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// The images of one shard.
    Shard(u64),
    /// The whole group at once.
    Whole,
}

impl Unit {
    /// Makes the unit of all of a part of `group`, as work of `kind`.
    pub fn of(group: Arc<Group>, kind: impl Into<Cow<'static, str>>, part: Part) -> Self {
        Self { group, kind: kind.into(), part, piece: None, missing: None }
    }

    /// Name of the unit.
    pub fn id(&self) -> UnitId {
        self.id_in(&self.group.name().into())
    }

    /// Name of the unit, where the name of its `group` is at hand: names of a million units share the text.
    pub fn id_in(&self, group: &Arc<str>) -> UnitId {
        let Part::Shard(shard) = self.part else { return UnitId::whole(group, &self.kind) };
        let kind = Some(self.kind.as_ref()).filter(|kind| *kind != UNNAMED);
        let (word, key) = match &self.piece {
            None => (None, None),
            Some(Piece::Predictions) => (Some("predictions"), None),
            Some(Piece::Pass) => (Some("pass"), None),
            Some(Piece::Variant(key)) => (None, Some(key.as_str())),
        };
        UnitId::of_shard(group, shard, kind.or(word), key)
    }

    /// Whether the unit has the maps of `variant`.
    pub fn has(&self, variant: &Variant) -> bool {
        match &self.piece {
            None => true,
            Some(Piece::Predictions) => false,
            Some(Piece::Pass) => variant.shared == Shared::Pass,
            Some(Piece::Variant(key)) => variant.lead() == key,
        }
    }

    /// Whether the unit has the maps of `variant`, and the store lacks them.
    pub fn lacks(&self, variant: &Variant) -> bool {
        self.has(variant) && self.missing.as_ref().is_none_or(|missing| missing.contains(&variant.key))
    }

    /// Number of images that the unit works on one after another; 0 for a unit that takes all of its group.
    pub fn images(&self) -> u64 {
        match self.part {
            Part::Shard(shard) => {
                let range = self.group.range(shard);
                range.end - range.start
            }
            Part::Whole => 0,
        }
    }
}

//! Units: what a worker is given.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::group::Group;
use crate::variant::{Shared, Variant};

/// Names a unit for as long as its config does not change: `<group>/<part>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnitId(pub String);

impl UnitId {
    /// The name of its group, in which there is no slash.
    pub fn group(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }
}

/// One piece of work. It can be done twice without harm: the same bytes come out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// The group it belongs to.
    pub group: Arc<Group>,
    /// Which part of the group.
    pub part: Part,
    /// Which piece of a shard that is split; `None` for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece: Option<Piece>,
}

/// A piece of a shard, where whole shards would leave devices with nothing to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Piece {
    /// Images, labels and predictions, which come before all maps.
    Predictions,
    /// All variants that share the forward pass of the images.
    Pass,
    /// The variant of this key, and those that share nearly everything with it.
    Variant(String),
}

/// Part of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Images, predictions and every variant of one shard.
    Shard(u64),
    /// The mean images, once all shards are there.
    Means,
}

impl Unit {
    /// All of a part of `group`.
    pub fn of(group: Arc<Group>, part: Part) -> Self {
        Self { group, part, piece: None }
    }

    /// The unit's stable name.
    pub fn id(&self) -> UnitId {
        let group = self.group.name();
        match (self.part, &self.piece) {
            (Part::Means, _) => UnitId(format!("{group}/means")),
            (Part::Shard(shard), None) => UnitId(format!("{group}/{shard}")),
            // No key has a colon: a variant may be called `predictions`.
            (Part::Shard(shard), Some(Piece::Predictions)) => UnitId(format!("{group}/{shard}:predictions")),
            (Part::Shard(shard), Some(Piece::Pass)) => UnitId(format!("{group}/{shard}:pass")),
            (Part::Shard(shard), Some(Piece::Variant(key))) => UnitId(format!("{group}/{shard}.{key}")),
        }
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

    /// Attribution maps that the unit stands for.
    pub fn maps(&self) -> u64 {
        self.images() * self.group.variants.iter().filter(|variant| self.has(variant)).count() as u64
    }

    /// Images that the unit works on.
    pub fn images(&self) -> u64 {
        match self.part {
            Part::Shard(shard) => {
                let range = self.group.range(shard);
                range.end - range.start
            }
            Part::Means => 0,
        }
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

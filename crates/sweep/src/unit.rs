//! Units: what a worker is given.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::group::Group;

/// Names a unit for as long as its config does not change: `<group>/<part>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnitId(pub String);

/// One piece of work. It can be done twice without harm: the same bytes come out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// The group it belongs to.
    pub group: Arc<Group>,
    /// Which part of the group.
    pub part: Part,
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
    /// The unit's stable name.
    pub fn id(&self) -> UnitId {
        match self.part {
            Part::Shard(shard) => UnitId(format!("{}/{shard}", self.group.name())),
            Part::Means => UnitId(format!("{}/means", self.group.name())),
        }
    }

    /// Attribution maps that the unit stands for.
    pub fn maps(&self) -> u64 {
        self.images() * self.group.variants.len() as u64
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

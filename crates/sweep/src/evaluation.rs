//! Evaluation: measurements of maps that a config asks for, and scores that are computed from measurements.

use serde::{Deserialize, Serialize};

use crate::parameters::Parameters;
use crate::variant::Variant;

/// Evaluation of a group: its measurements, and the scores that are computed from them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Measurements, each once, however many scores need it.
    pub measurements: Vec<Measurement>,
    /// Scores, in the order of the config.
    pub scores: Vec<Score>,
}

/// Measurement: numbers of each image, which a worker writes by shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Name of the measurement in stores: `curve_baseline_zero_steps_20`.
    pub key: String,
    /// Family of the measurement.
    pub family: String,
    /// Parameters, with defaults filled in.
    pub parameters: Parameters,
    /// Axes of the numbers of one image.
    pub axes: Vec<Axis>,
    /// Methods whose maps are measured.
    pub of: Of,
}

/// Axis of the numbers of one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// Name of the dimension in stores.
    pub name: String,
    /// Number of entries, 1 or more.
    pub size: u64,
}

/// Methods that a measurement or a score is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Of {
    /// No map: the numbers depend on the image alone, and all methods share them.
    Image,
    /// The maps of every variant of the group.
    All,
    /// The maps of the variants with these keys.
    Some(Vec<String>),
}

/// Score: one number of each image and method, computed from measurements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Name of the score in stores and tables.
    pub key: String,
    /// Class of the metric.
    pub class: String,
    /// Parameters, with defaults filled in.
    pub parameters: Parameters,
    /// Keys of the measurements that the score is computed from.
    pub measurements: Vec<String>,
    /// Methods that are scored.
    pub of: Of,
    /// Direction of better scores.
    pub direction: Direction,
    /// Images that an average is taken over.
    pub only: Only,
}

/// Direction of better scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The larger score is better.
    Higher,
    /// The smaller score is better.
    Lower,
    /// Neither.
    #[default]
    Neither,
}

/// Images that an average of scores is taken over. Every image is scored in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Only {
    /// All images.
    #[default]
    All,
    /// Images whose predicted class is their label.
    Correct,
}

impl Evaluation {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.measurements.is_empty() && self.scores.is_empty()
    }
}

impl Measurement {
    /// Number of values of one image.
    pub fn width(&self) -> u64 {
        self.axes.iter().map(|axis| axis.size).fold(1, u64::saturating_mul)
    }
}

impl Of {
    /// Whether the maps of `variant` are meant.
    pub fn has(&self, variant: &Variant) -> bool {
        match self {
            Self::Image => false,
            Self::All => true,
            Self::Some(keys) => keys.contains(&variant.key),
        }
    }

    /// The methods of both selections.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Image, Self::Image) => Self::Image,
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Image, some) | (some, Self::Image) => some.clone(),
            (Self::Some(one), Self::Some(other)) => {
                let more = other.iter().filter(|key| !one.contains(key));
                Self::Some(one.iter().chain(more).cloned().collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_methods_of_two_are_those_of_either() {
        let some = |keys: &[&str]| Of::Some(keys.iter().map(|key| (*key).to_owned()).collect());
        assert_eq!(some(&["a", "b"]).and(&some(&["b", "c"])), some(&["a", "b", "c"]));
        assert_eq!(some(&["a"]).and(&Of::All), Of::All);
        assert_eq!(Of::Image.and(&Of::Image), Of::Image);
    }
}

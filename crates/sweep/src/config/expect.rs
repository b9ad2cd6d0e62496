//! `expect`: logits or an accuracy that the author of weights has measured.

use super::search_space::{SPLITS, Split};
use crate::yaml::{Fields, Value, read};

/// Images of which the accuracy is measured, where the config does not say how many.
const IMAGES: u64 = 1000;

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Of the weights of this model,
    pub model: String,
    /// for this dataset, or for each of the config.
    pub dataset: Option<String>,
    /// Of the images of this split, without noise.
    pub split: Split,
    /// What was measured.
    pub what: Expected,
    /// Where it stands.
    pub line: u64,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// The share of images that are predicted right.
    Accuracy {
        /// From 0 to 1.
        share: f64,
        /// How far it may be off, beside what chance does to a sample.
        within: f64,
        /// Images that are looked at, equally far apart.
        images: u64,
    },
    /// The logits of one image.
    Logits {
        /// Its index in the split.
        image: u64,
        /// `[classes]`.
        logits: Vec<f64>,
        /// How far each may be off, of the largest.
        within: f64,
    },
}

/// The list under `expect`.
pub(super) fn expectations(fields: &mut Fields<'_>) -> Vec<Expectation> {
    fields.sections("expect", expectation).unwrap_or_default()
}

fn expectation(mut fields: Fields<'_>) -> Option<Expectation> {
    let line = fields.line_of("model");
    let model = fields.required("model", read::name);
    let dataset = fields.optional("dataset", read::name);
    let split = fields.optional("split", read::choice(SPLITS)).unwrap_or(Split::Test);
    let share = fields.optional("accuracy", share);
    let images = fields.optional("images", read::integer(1, u64::MAX));
    let image = fields.optional("image", read::integer(0, u64::MAX));
    let logits = fields.list("logits", number).map(|logits| logits.into_iter().map(|(logit, _)| logit).collect());
    let within = fields.optional("within", share_or_more);
    let what = match (share, image, logits) {
        (Some(share), None, None) => {
            let (within, images) = (within.unwrap_or(0.005), images.unwrap_or(IMAGES));
            Some(Expected::Accuracy { share, within, images })
        }
        (None, Some(image), Some(logits)) => Some(Expected::Logits { image, logits, within: within.unwrap_or(1e-3) }),
        _ => {
            fields.problem("model", "expected `accuracy`, or `image` and its `logits`");
            None
        }
    };
    fields.finish();
    Some(Expectation { model: model?, dataset, split, what: what?, line })
}

fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Integer(number) => Ok(*number as f64),
        Value::Number(number) if number.is_finite() => Ok(*number),
        _ => Err("a number".to_owned()),
    }
}

fn share(value: &Value) -> Result<f64, String> {
    let share = number(value).ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share from 0 to 1 (0.958 for 95.8 %)".to_owned())
}

fn share_or_more(value: &Value) -> Result<f64, String> {
    number(value).ok().filter(|within| *within >= 0.0).ok_or_else(|| "a number of at least 0".to_owned())
}

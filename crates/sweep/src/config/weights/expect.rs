//! `expect`: logits or an accuracy that the author of weights has measured.

use crate::config::search_space::{SPLITS, Split};
use crate::yaml::{Fields, Value, read};

/// Images of which the accuracy is measured, where the config does not say how many.
const IMAGES: u64 = 1000;

/// A measurement of weights by their author.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Model whose weights were measured.
    pub model: String,
    /// Dataset whose weights were measured; `None` means those of every dataset of the config.
    pub dataset: Option<String>,
    /// Split of the images, which have no noise.
    pub split: Split,
    /// The measured value.
    pub what: Expected,
    /// Line of the config.
    pub line: u64,
}

/// A measured value.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// Share of the images that are predicted right.
    Accuracy {
        /// The share, from 0 to 1.
        share: f64,
        /// Largest difference that is accepted, beside the difference that chance makes in a sample.
        within: f64,
        /// Number of images in the sample, equally far apart.
        images: u64,
    },
    /// The logits of one image.
    Logits {
        /// Index of the image in the split.
        image: u64,
        /// The logits, one for each class.
        logits: Vec<f64>,
        /// Largest difference of a logit that is accepted, as a share of the largest logit.
        within: f64,
    },
}

/// Reads the list under `expect`.
pub(in crate::config) fn expectations(fields: &mut Fields<'_>) -> Vec<Expectation> {
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

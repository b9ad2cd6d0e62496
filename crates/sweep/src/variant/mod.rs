//! Variants of methods: one method with one choice of its parameters.

pub mod semantics;
mod signs;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::parameters::{Parameters, part_of_key};
use semantics::Semantics;

/// Method with one choice of its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// Name of the variant in stores and logs: `IntegratedGradients_baselines_zero_n_steps_50`.
    pub key: String,
    /// Class of the method.
    pub class: String,
    /// Parameters, with defaults filled in.
    pub parameters: Parameters,
    /// Semantics: the definition of the method that is followed.
    pub semantics: Semantics,
    /// Whether its maps come with convergence deltas, as [`crate::catalogue::Method`] says.
    pub complete: bool,
    /// Work that the variant shares with others.
    #[serde(default)]
    pub shared: Shared,
    /// Weights that the variant has for itself; `None` means those of its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<OwnWeights>,
}

/// Weights that a variant has for itself, and not those of its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnWeights {
    /// File of the weights.
    pub file: PathBuf,
    /// Digest of the file.
    pub sha256: String,
}

/// Work that a variant shares with others, as [`crate::catalogue::Sharing`] of its method says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shared {
    /// The variant shares nothing that takes long.
    #[default]
    Nothing,
    /// The variant shares the forward pass of the images, with all variants that do so.
    Pass,
    /// The variant shares nearly everything with the variant of this key.
    With(String),
}

/// Baselines that are made of the dataset's mean image.
const OF_MEAN: [&str; 2] = ["global_mean", "combined_zng"];

impl Variant {
    /// Whether the baseline of the variant is made of the mean image of the dataset.
    pub fn needs_mean(&self) -> bool {
        self.parameters.get("baselines").and_then(Value::as_str).is_some_and(|word| OF_MEAN.contains(&word))
    }

    /// Whether the variant differs from `other` in `parameter` at most.
    pub fn is_like(&self, other: &Self, parameter: &str) -> bool {
        fn rest<'a>(variant: &'a Variant, parameter: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
            variant.parameters.0.iter().filter(move |(name, _)| *name != parameter)
        }
        let alike = self.class == other.class && self.semantics == other.semantics && self.weights == other.weights;
        alike && rest(self, parameter).eq(rest(other, parameter))
    }

    /// Key of the first of the variants that are computed together with this variant: mostly its own.
    pub fn lead(&self) -> &str {
        match &self.shared {
            Shared::With(key) => key,
            Shared::Nothing | Shared::Pass => &self.key,
        }
    }
}

/// Expands `given` into all choices of parameters: lists expand as a product, the first parameter slowest, as
/// `itertools.product` orders them. A list inside of such a list is one value.
pub fn expand(given: &Parameters) -> Vec<Parameters> {
    let mut choices = vec![Parameters::default()];
    for (name, value) in &given.0 {
        let options = options(name, value);
        let with = |choice: &Parameters, option: &Value| {
            let mut choice = choice.clone();
            choice.0.insert(name.clone(), option.clone());
            choice
        };
        choices = choices.iter().flat_map(|choice| options.iter().map(move |option| with(choice, option))).collect();
    }
    choices
}

/// Values that `value` of the parameter `name` stands for.
fn options<'a>(name: &str, value: &'a Value) -> &'a [Value] {
    match value {
        Value::Array(options) if !is_one(name, options) => options,
        single => std::slice::from_ref(single),
    }
}

/// Parameters that Captum takes as a tuple of channels, height and width.
const TUPLES: [&str; 2] = ["sliding_window_shapes", "strides"];
/// Numbers of channels that images may have.
const CHANNELS: [i64; 2] = [1, 3];

/// Whether a list is one value: rules for modules, or a window.
fn is_one(name: &str, list: &[Value]) -> bool {
    (!list.is_empty() && list.iter().all(Value::is_object)) || is_tuple(name, list)
}

/// Whether a list is one window, spelled as Captum spells it: `[3, 16, 8]`. Three squares mostly begin with another number.
fn is_tuple(name: &str, list: &[Value]) -> bool {
    TUPLES.contains(&name)
        && list.len() == 3
        && list.iter().all(Value::is_i64)
        && list[0].as_i64().is_some_and(|first| CHANNELS.contains(&first))
}

/// Warnings about parameters of `given` whose list is taken for one window, with the spelling for several windows.
pub fn windows_in_lists(given: &Parameters) -> Vec<String> {
    let tuples = given.0.iter().filter_map(|(name, value)| Some((name, value.as_array()?)));
    let tuples = tuples.filter(|(name, list)| is_tuple(name, list));
    let sentence = |(name, list): (&String, &Vec<Value>)| {
        let sizes: Vec<String> = list.iter().map(Value::to_string).collect();
        let squares: Vec<String> = sizes.iter().map(|size| format!("\"{size}\"")).collect();
        format!(
            "`{name}: [{}]` is one window of channels, height and width, as in Captum; three squares are `[{}]`",
            sizes.join(", "),
            squares.join(", ")
        )
    };
    tuples.map(sentence).collect()
}

/// Number of choices that [`expand`] gives, without making any.
pub fn count(given: &Parameters) -> u64 {
    given.0.iter().map(|(name, value)| options(name, value).len() as u64).fold(1, u64::saturating_mul)
}

/// Key of a variant: `name_param_value_...` over the parameters as the config gives them, sorted by name.
pub fn key(name: &str, given: &Parameters) -> String {
    let parts = given.0.iter().map(|(parameter, value)| format!("_{parameter}_{}", part_of_key(value)));
    std::iter::once(name.to_owned()).chain(parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_expand_to_the_keys_of_the_reference_scripts() {
        let given: Parameters =
            serde_json::from_value(json!({"n_steps": [50, 200], "baselines": "zero"})).unwrap_or_default();
        let keys: Vec<_> = expand(&given).iter().map(|choice| key("IntegratedGradients", choice)).collect();
        assert_eq!(
            keys,
            ["IntegratedGradients_baselines_zero_n_steps_50", "IntegratedGradients_baselines_zero_n_steps_200"]
        );
        assert_eq!(key("Saliency", &Parameters::default()), "Saliency");
        assert_eq!(expand(&Parameters::default()).len(), 1);
        assert_eq!((count(&given), count(&Parameters::default())), (2, 1));
    }

    /// `sliding_window_shapes=(3, 16, 8)` of Captum is one window, and three squares are three.
    #[test]
    fn three_numbers_that_captum_takes_for_a_window_are_one() {
        let keys = |given: Value| {
            let given: Parameters = serde_json::from_value(given).unwrap_or_default();
            assert_eq!(count(&given), expand(&given).len() as u64);
            expand(&given).iter().map(|choice| key("O", choice)).collect::<Vec<_>>()
        };
        assert_eq!(keys(json!({"sliding_window_shapes": [3, 16, 8]})), ["O_sliding_window_shapes_3x16x8"]);
        assert_eq!(keys(json!({"strides": [1, 15, 15]})), ["O_strides_1x15x15"]);
        assert_eq!(keys(json!({"sliding_window_shapes": [8, 12, 16]})).len(), 3);
        assert_eq!(keys(json!({"sliding_window_shapes": [3, 16]})).len(), 2);
        assert_eq!(keys(json!({"sliding_window_shapes": ["3x16x8", 3, 4]})).len(), 3);
        assert_eq!(keys(json!({"patch_size": [3, 16, 8]})).len(), 3);
        assert_eq!(keys(json!({"strides": [2, 4, 8]})).len(), 3);
        assert_eq!(keys(json!({"strides": ["3", "4", "8"]})).len(), 3);
        let given: Parameters =
            serde_json::from_value(json!({"strides": [3, 4, 8], "n": [1, 2, 3]})).unwrap_or_default();
        let told = "`strides: [3, 4, 8]` is one window of channels, height and width, as in Captum; three squares are \
                    `[\"3\", \"4\", \"8\"]`";
        assert_eq!(windows_in_lists(&given), [told]);
    }

    #[test]
    fn a_list_in_a_list_is_one_choice() {
        let given: Parameters =
            serde_json::from_value(json!({"sliding_window_shapes": [[3, 16, 16], "8x8", 4]})).unwrap_or_default();
        let keys: Vec<_> = expand(&given).iter().map(|choice| key("Occlusion", choice)).collect();
        assert_eq!(
            keys,
            [
                "Occlusion_sliding_window_shapes_3x16x16",
                "Occlusion_sliding_window_shapes_8x8",
                "Occlusion_sliding_window_shapes_4"
            ]
        );
    }
}

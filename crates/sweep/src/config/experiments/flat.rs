//! `settings`, and the lists beside it: the schema of the reference experiment with DenseNet on ImageNet, which has no `search_space`.
//!
//! A config of this schema is one model on the validation images of ImageNet, of 224 px.

use std::collections::BTreeMap;

use crate::config::search_space::{NOISES_AND_METHODS, SearchSpace, Split};
use crate::yaml::{Fields, Value, read};

/// Most images of a batch.
const MOST: u64 = 1 << 20;

/// Height and width of the images in pixels.
const SIZE: usize = 224;

/// Values of black and white in the images of the Zarr that the script reads: they were normalized before.
const NORMALIZED: [f64; 2] = [-1.0, 1.0];

/// Section that makes a config one of this schema.
pub(in crate::config) const SECTION: &str = "settings";

/// Content of `settings`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::config) struct Settings {
    /// The model, with its line.
    model: Option<(String, u64)>,
    /// The GPU, as nvidia-smi counts them.
    pub(in crate::config) gpu: Option<u32>,
    /// Batch sizes.
    pub(in crate::config) proposed: Proposed,
}

/// Batch sizes that a config proposes. They count until a device proves them wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposed {
    /// Images at once for a variant that has no number of its own.
    default: Option<usize>,
    /// Images at once by the keys of variants.
    of_keys: BTreeMap<String, usize>,
}

impl Proposed {
    /// Images at once for the variant `key`.
    pub fn of(&self, key: &str) -> Option<usize> {
        self.of_keys.get(key).copied().or(self.default)
    }

    /// Keys that have a number of their own.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.of_keys.keys().map(String::as_str)
    }

    /// Reads a mapping of keys to images at once, in which `default` stands for all other keys.
    fn read(fields: &mut Fields<'_>) -> Self {
        let mut proposed = Self::default();
        let Some(node) = fields.node("batch_sizes") else { return proposed };
        let Value::Map(entries) = &node.value else {
            let text = format!("found {}, expected a mapping of keys of maps to images at once", node.value.found());
            fields.problem("batch_sizes", text);
            return proposed;
        };
        for (entry, value) in entries {
            match read::integer(1, MOST)(&value.value) {
                Ok(images) if entry.name == "default" => proposed.default = Some(images as usize),
                Ok(images) => drop(proposed.of_keys.insert(entry.name.clone(), images as usize)),
                Err(expected) => {
                    let text = format!("{}: found {}, expected {expected}", entry.name, value.value.found());
                    fields.problem("batch_sizes", text);
                }
            }
        }
        proposed
    }
}

impl Settings {
    /// Reads the section.
    pub(in crate::config) fn read(mut fields: Fields<'_>) -> Self {
        let line = fields.line_of("model_flag");
        let settings = Self {
            model: fields.required("model_flag", read::name).map(|model| (model, line)),
            gpu: fields.optional("gpu_id", read::integer(0, 1023)).map(|index| index as u32),
            proposed: Proposed::read(&mut fields),
        };
        fields.finish();
        settings
    }

    /// The grid that the section and the lists beside it stand for. `top` is the top level of the config.
    pub(in crate::config) fn grid(&self, top: &mut Fields<'_>) -> SearchSpace {
        if top.node("search_space").is_some() {
            let lists = NOISES_AND_METHODS.join("` and `");
            let text =
                format!("found beside `{SECTION}`, whose lists `{lists}` stand at the top level; keep one of them");
            top.problem("search_space", text);
        }
        let line = top.line_of(SECTION);
        let grid = SearchSpace {
            data_flags: vec![("imagenet".to_owned(), line)],
            model_flags: self.model.iter().cloned().collect(),
            splits: vec![(Split::Val, line)],
            image_size: SIZE,
            float_range: Some(NORMALIZED),
            flat: true,
            ..SearchSpace::default()
        };
        grid.with_lists(top, None)
    }
}

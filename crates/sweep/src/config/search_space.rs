//! `search_space`: the grid of datasets, models, splits, noises and methods.

use crate::parameters::Parameters;
use crate::variant::semantics::{self, Semantics};
use crate::variant::{count, expand, key};
use crate::yaml::{Fields, Value, read};

/// The grid. Each name comes with its line, for mistakes that are found later, on the disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchSpace {
    /// Dataset flags; empty = every dataset that has a folder of weights.
    pub data_flags: Vec<(String, u64)>,
    /// Model architectures.
    pub model_flags: Vec<(String, u64)>,
    /// Splits of each dataset.
    pub splits: Vec<(Split, u64)>,
    /// Height and width of an image in pixels, from [`LEAST_SIZE`] to [`MOST_SIZE`].
    pub image_size: usize,
    /// Values of black and white in images of floats; `None` where images are of whole numbers.
    pub float_range: Option<[f64; 2]>,
    /// Noises.
    pub noises: Vec<NoiseCondition>,
    /// Methods, with lists in their parameters not yet expanded.
    pub methods: Vec<Method>,
    /// Whether the config has no `search_space` and its lists stand at the top level, beside `settings`.
    pub flat: bool,
}

/// Lists of the grid that configs without a `search_space` have at the top level.
pub(super) const NOISES_AND_METHODS: [&str; 2] = ["noise_conditions", "attribution_methods"];

/// Smallest height and width of an image: below it, pooling leaves nothing in most models.
pub const LEAST_SIZE: usize = 8;

/// Largest height and width of an image: the values that a model computes for one image are a few gigabytes at most.
pub const MOST_SIZE: usize = 1024;

/// Most variants of a config: each is a folder of every store, and one message names all of them to a worker.
pub const MOST_VARIANTS: u64 = 1 << 12;

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the names of the splits")]
pub enum Split {
    Train,
    Val,
    Test,
}

/// An item of `noise_conditions`.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseCondition {
    /// Name in stores.
    pub name: String,
    /// Kind of noise.
    pub kind: String,
    /// Parameters as given.
    pub params: Parameters,
    /// Line of the config.
    pub line: u64,
}

/// An item of `attribution_methods`.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// First part of the keys of its variants.
    pub name: String,
    /// Class of the method; the name itself if not given.
    pub class: String,
    /// Parameters as given.
    pub params: Parameters,
    /// The definition that is followed, of papers or of Captum; `None` means that of the sweep.
    pub semantics: Option<Semantics>,
    /// Key of the only variant, and the number of the weights that it has for itself, where `model_method_mapping` names both.
    pub own: Option<(String, u64)>,
    /// Line of the config.
    pub line: u64,
}

pub(super) const SPLITS: &[(&str, Split)] = &[("train", Split::Train), ("val", Split::Val), ("test", Split::Test)];

impl Split {
    /// `train`, `val` or `test`.
    pub fn name(self) -> &'static str {
        SPLITS.iter().find(|(_, split)| *split == self).map_or("", |(name, _)| name)
    }
}

impl Method {
    /// Variants that the method stands for, each with its key and its parameters as given.
    pub fn variants(&self) -> impl Iterator<Item = (String, Parameters)> {
        let of = |given: Parameters| {
            let own = self.own.as_ref().map(|(key, _)| key.clone());
            (own.unwrap_or_else(|| key(&self.name, &given)), given)
        };
        expand(&self.params).into_iter().map(of)
    }
}

impl SearchSpace {
    /// Reads the section. With `mapped` methods, which stand elsewhere, there may be none here.
    pub(super) fn read(mut fields: Fields<'_>, mapped: Option<Vec<Method>>) -> Self {
        let size = read::integer(LEAST_SIZE as u64, MOST_SIZE as u64);
        let space = Self {
            data_flags: unique(&mut fields, "data_flags", read::name),
            model_flags: items(&mut fields, "model_flags", read::name),
            splits: items(&mut fields, "splits", read::choice(SPLITS)),
            image_size: fields.optional("image_size", size).map_or(224, |size| size as usize),
            float_range: fields.optional("float_range", read::range),
            ..Self::default()
        };
        let space = space.with_lists(&mut fields, mapped);
        fields.finish();
        space
    }

    /// The grid with the noises and methods that `fields` holds, or with `mapped` methods.
    pub(super) fn with_lists(self, fields: &mut Fields<'_>, mapped: Option<Vec<Method>>) -> Self {
        let [noises, methods] = NOISES_AND_METHODS;
        let noises = sections(fields, noises, noise);
        if mapped.is_some() && fields.node(methods).is_some() {
            fields.problem(methods, "found beside `model_method_mapping`, which names the methods; keep one of them");
        }
        let methods = mapped.unwrap_or_else(|| sections(fields, methods, method));
        let mut space = Self { noises, methods, ..self };
        let asked = space.methods.iter().map(|method| count(&method.params)).fold(0, u64::saturating_add);
        if asked > MOST_VARIANTS {
            let text = format!(
                "stand for {asked} variants, expected at most {MOST_VARIANTS}; split them into several configs"
            );
            fields.problem("attribution_methods", text);
            // Nobody is to make them all only to say more about them.
            space.methods.clear();
        }
        space
    }

    /// Path in the config of what a `search_space` has under `key`, for messages.
    pub fn path(&self, key: &str) -> String {
        match key {
            _ if !self.flat => format!("search_space.{key}"),
            "model_flags" => "settings.model_flag".to_owned(),
            key => key.to_owned(),
        }
    }
}

/// The items of the list under `key`, which must be there.
fn items<T: PartialEq>(
    fields: &mut Fields<'_>,
    key: &'static str,
    item: impl Fn(&Value) -> Result<T, String>,
) -> Vec<(T, u64)> {
    fields.expect_items(key);
    unique(fields, key, item)
}

/// The items of the list under `key`, each once. An item that stands there twice is noted as a mistake.
fn unique<T: PartialEq>(
    fields: &mut Fields<'_>,
    key: &'static str,
    item: impl Fn(&Value) -> Result<T, String>,
) -> Vec<(T, u64)> {
    let mut unique = Vec::new();
    for (value, line) in fields.list(key, item).unwrap_or_default() {
        if unique.iter().any(|(earlier, _)| *earlier == value) {
            fields.problem(key, format!("the item in line {line} is there twice"));
        } else {
            unique.push((value, line));
        }
    }
    unique
}

fn sections<T>(fields: &mut Fields<'_>, key: &'static str, read: impl FnMut(Fields<'_>) -> Option<T>) -> Vec<T> {
    fields.expect_items(key);
    fields.sections(key, read).unwrap_or_default()
}

/// Hint for a key that no noise and no method has: it may be one of their parameters.
pub(super) const BELOW: &str = "; parameters belong below `params`";

fn noise(mut fields: Fields<'_>) -> Option<NoiseCondition> {
    let line = fields.line_of("name");
    let name = fields.required("name", read::name);
    let kind = fields.required("type", read::text);
    let params = parameters(&mut fields);
    fields.finish_with(BELOW);
    Some(NoiseCondition { name: name?, kind: kind?, params, line })
}

fn method(mut fields: Fields<'_>) -> Option<Method> {
    let line = fields.line_of("name");
    let name = fields.required("name", read::name);
    let class = fields.optional("class", read::text);
    let params = parameters(&mut fields);
    let semantics = fields.optional("semantics", read::choice(semantics::WORDS));
    fields.finish_with(BELOW);
    let name = name?;
    Some(Method { class: class.unwrap_or_else(|| name.clone()), name, params, semantics, own: None, line })
}

pub(super) fn parameters(fields: &mut Fields<'_>) -> Parameters {
    let read = |params: Fields<'_>| {
        let mut given = Parameters::default();
        let mut wrong = Vec::new();
        for (entry, node) in params.entries() {
            match read::json(&node.value) {
                Ok(value) => drop(given.0.insert(entry.name.clone(), value)),
                Err(expected) => wrong.push(format!("found {}, expected {expected}", node.value.found())),
            }
        }
        (given, wrong)
    };
    let (given, wrong) = fields.section("params", read).unwrap_or_default();
    for text in wrong {
        fields.problem("params", text);
    }
    given
}

//! What a build can compute: the entries of the open lists, as data.
//!
//! Methods and models live in crates with libtorch, which the scheduler does not link. A worker
//! prints its [`Catalogue`] as JSON, and the scheduler checks a config against that, so that each
//! name and parameter is spelled in one place only: the entry's own file.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::parameters::Parameter;

/// An entry of an open list: a method, a model or a kind of noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The name by which configs, stores and logs know it.
    pub name: Cow<'static, str>,
    /// Summary in a sentence.
    pub summary: Cow<'static, str>,
    /// Paper or page that defines the entry.
    pub reference: Cow<'static, str>,
    /// Parameters of the entry.
    pub parameters: Cow<'static, [Parameter]>,
}

/// An attribution method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// Class of the method, its parameters and its definition.
    pub item: Item,
    /// Further names by which configs may ask for the method.
    #[serde(default)]
    pub aliases: Vec<Cow<'static, str>>,
    /// Whether its maps should sum to the change of the logit from a baseline to the image, and come
    /// with what is missing of that (the convergence delta).
    pub complete: bool,
    /// Whether its maps share out a score among all values of an image, which are then too small for float16 in part.
    #[serde(default)]
    pub shares_score: bool,
    /// Work that variants of the method share.
    pub sharing: Sharing,
}

/// Work that variants of a method share when they are computed together. Variants that share nothing may as well be computed on
/// different devices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sharing {
    /// No work that takes long.
    #[default]
    Nothing,
    /// The forward pass of the images, with variants of all methods that share the pass; such variants take little beside the
    /// pass.
    Pass,
    /// Work of variants that differ in this parameter alone: smaller values of the parameter are passed on the way to a larger
    /// value.
    Prefix(Cow<'static, str>),
}

/// Entries of all lists of a worker build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Version of the worker; the scheduler's own must be the same.
    pub version: String,
    /// Version of libtorch.
    pub libtorch: String,
    /// Attribution methods, by class.
    pub methods: Vec<Method>,
    /// Model architectures.
    pub models: Vec<Item>,
    /// Operations that models are made of, exported programs too.
    pub operations: Vec<Operation>,
}

/// A kind of operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Name of the operation.
    pub name: Cow<'static, str>,
    /// Summary in a sentence.
    pub summary: Cow<'static, str>,
    /// The `ATen` operators of exported programs that become it.
    pub aten: Vec<Cow<'static, str>>,
    /// Treatment of the operation by `DeepLIFT`.
    pub deep_lift: Cow<'static, str>,
}

impl Catalogue {
    /// The method of `class`, by its name or a further name.
    pub fn method(&self, class: &str) -> Option<&Method> {
        let by_name = self.methods.iter().find(|method| method.item.name == class);
        by_name.or_else(|| self.methods.iter().find(|method| method.aliases.iter().any(|alias| alias == class)))
    }
}

/// The item called `name`.
pub fn find<'a>(items: &'a [Item], name: &str) -> Option<&'a Item> {
    items.iter().find(|item| item.name == name)
}

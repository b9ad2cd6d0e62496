//! What a build can compute: the entries of the open lists, as data.
//!
//! Methods and models live in crates with libtorch, which the scheduler does not link. A worker
//! prints its [`Catalogue`] as JSON, and the scheduler checks a config against that, so that each
//! name and parameter is spelled in one place only: the entry's own file.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::parameters::Parameter;

/// One entry of an open list: a method, a model or a kind of noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The name by which configs, stores and logs know it.
    pub name: Cow<'static, str>,
    /// One sentence.
    pub summary: Cow<'static, str>,
    /// Where it is defined: a paper or a page.
    pub reference: Cow<'static, str>,
    /// What it can be told.
    pub parameters: Cow<'static, [Parameter]>,
}

/// An attribution method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// Its class, what it takes and where it is defined.
    pub item: Item,
    /// Other names by which configs may ask for the method.
    #[serde(default)]
    pub aliases: Vec<Cow<'static, str>>,
    /// Whether its maps should sum to the change of the logit from a baseline to the image, and come
    /// with what is missing of that (the convergence delta).
    pub complete: bool,
    /// Whether its maps share out a score among all values of an image, which are then too small for float16 in part.
    #[serde(default)]
    pub shares_score: bool,
    /// What its variants share with others.
    pub sharing: Sharing,
}

/// What variants of a method share when they are computed together. Where it is nothing, each may as well be computed
/// elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sharing {
    /// Nothing that takes long.
    #[default]
    Nothing,
    /// The forward pass of the images, with variants of all methods that do; they take little beside it.
    Pass,
    /// Those that differ in this parameter alone: smaller values of it are passed on the way to a larger one.
    Prefix(Cow<'static, str>),
}

/// Everything that a worker build knows.
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
    /// Its name.
    pub name: Cow<'static, str>,
    /// One sentence.
    pub summary: Cow<'static, str>,
    /// The `ATen` operators of exported programs that become it.
    pub aten: Vec<Cow<'static, str>>,
    /// What `DeepLIFT` does with it.
    pub deep_lift: Cow<'static, str>,
}

impl Catalogue {
    /// The method of `class`: its name, or another name that is known of it.
    pub fn method(&self, class: &str) -> Option<&Method> {
        let by_name = self.methods.iter().find(|method| method.item.name == class);
        by_name.or_else(|| self.methods.iter().find(|method| method.aliases.iter().any(|alias| alias == class)))
    }
}

/// The item called `name`.
pub fn find<'a>(items: &'a [Item], name: &str) -> Option<&'a Item> {
    items.iter().find(|item| item.name == name)
}

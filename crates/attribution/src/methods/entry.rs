//! What a method's file says of itself: its name and its parameters, and how the method is made.

use std::borrow::Cow;

use sweep::catalogue::{Item, Sharing};
use sweep::parameters::{Parameter, Parameters};
use sweep::semantics::Semantics;

use super::method::{Method, MethodError};

/// An attribution method.
pub struct Entry {
    /// Its class, what it takes and where it is defined.
    pub item: Item,
    /// Whether its maps should sum to the change of the target logit from the baseline to the image.
    pub complete: bool,
    /// The parameter whose smaller values are passed on the way to a larger one: variants that differ in it
    /// alone are computed together, [`Method::on_the_way`].
    pub prefix: Option<&'static str>,
    /// Whether it uses the forward pass of the images that the methods share.
    pub shares_pass: bool,
    /// Makes it from checked parameters.
    pub build: Build,
}

/// Makes a method from checked parameters.
pub type Build = fn(&Parameters, Semantics) -> Result<Box<dyn Method>, MethodError>;

impl Entry {
    /// A method: its class, one sentence, and where it is defined.
    pub(super) const fn new(names: [&'static str; 3], parameters: &'static [Parameter], build: Build) -> Self {
        Self { item: item(names, parameters), complete: false, prefix: None, shares_pass: false, build }
    }

    /// The same, of a method whose maps sum to a change.
    pub(super) const fn of_complete(names: [&'static str; 3], parameters: &'static [Parameter], build: Build) -> Self {
        Self { item: item(names, parameters), complete: true, prefix: None, shares_pass: false, build }
    }
}

impl Entry {
    /// The same, with a parameter whose smaller values are passed on the way.
    pub(super) const fn with_prefix(mut self, parameter: &'static str) -> Self {
        self.prefix = Some(parameter);
        self
    }

    /// The same, of a method that uses the forward pass of the images.
    pub(super) const fn on_the_pass(mut self) -> Self {
        self.shares_pass = true;
        self
    }

    /// What its variants share with others.
    pub fn sharing(&self) -> Sharing {
        match (self.prefix, self.shares_pass) {
            (Some(parameter), _) => Sharing::Prefix(Cow::Borrowed(parameter)),
            (None, true) => Sharing::Pass,
            (None, false) => Sharing::Nothing,
        }
    }
}

const fn item([name, summary, reference]: [&'static str; 3], parameters: &'static [Parameter]) -> Item {
    Item {
        name: Cow::Borrowed(name),
        summary: Cow::Borrowed(summary),
        reference: Cow::Borrowed(reference),
        parameters: Cow::Borrowed(parameters),
    }
}

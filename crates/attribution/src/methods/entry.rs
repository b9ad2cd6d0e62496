//! Entry of a method: its name, its parameters, and the function that makes the method.

use std::borrow::Cow;

use sweep::catalogue::{Item, Sharing};
use sweep::parameters::{Parameter, Parameters};
use sweep::semantics::Semantics;

use super::method::{Method, MethodError};

/// An attribution method.
pub struct Entry {
    /// Captum's class, the parameters, and where the method is defined.
    pub item: Item,
    /// Further names by which configs may ask for the method.
    pub aliases: &'static [&'static str],
    /// Whether the method is defined for transformers alone, whose attentions are over all patches of an image.
    pub on_attentions: bool,
    /// Sum that the values of a map should have.
    sum: Sum,
    /// The parameter whose smaller values are passed on the way to a larger value: variants that differ in this parameter alone
    /// are computed together, [`Method::on_the_way`].
    pub prefix: Option<&'static str>,
    /// Whether the method uses the forward pass of the images that the methods share.
    pub shares_pass: bool,
    /// Makes the method from checked parameters.
    pub build: Build,
}

/// Sum that the values of a map should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sum {
    /// No sum is known.
    Free,
    /// The change of the target logit from the baseline to the image.
    Change,
    /// A score of the target, shared out among all values of an image without a change of pixels that they are measured by: values are
    /// then so small that float16 holds them in part.
    Score,
}

/// Makes a method from checked parameters.
pub type Build = fn(&Parameters, Semantics) -> Result<Box<dyn Method>, MethodError>;

impl Entry {
    /// A method: its class, one sentence, and where it is defined.
    pub(super) const fn new(names: [&'static str; 3], parameters: &'static [Parameter], build: Build) -> Self {
        Self {
            item: item(names, parameters),
            aliases: &[],
            on_attentions: false,
            sum: Sum::Free,
            prefix: None,
            shares_pass: false,
            build,
        }
    }

    /// A method whose maps sum to a change of the logit.
    pub(super) const fn of_complete(names: [&'static str; 3], parameters: &'static [Parameter], build: Build) -> Self {
        Self {
            item: item(names, parameters),
            aliases: &[],
            on_attentions: false,
            sum: Sum::Change,
            prefix: None,
            shares_pass: false,
            build,
        }
    }
}

impl Entry {
    /// The entry with a parameter whose smaller values are passed on the way to larger values.
    pub(super) const fn with_prefix(mut self, parameter: &'static str) -> Self {
        self.prefix = Some(parameter);
        self
    }

    /// The entry of a method that looks at attentions.
    pub(super) const fn on_attentions(mut self) -> Self {
        self.on_attentions = true;
        self
    }

    /// The entry of a method whose maps share out a score among all values of an image.
    pub(super) const fn sharing_a_score(mut self) -> Self {
        self.sum = Sum::Score;
        self
    }

    /// The entry with other names that configs may use.
    pub(super) const fn called(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The entry of a method that uses the shared forward pass of the images.
    pub(super) const fn on_the_pass(mut self) -> Self {
        self.shares_pass = true;
        self
    }

    /// Whether maps should sum to the change of the target logit from the baseline to the image.
    pub fn is_complete(&self) -> bool {
        self.sum == Sum::Change
    }

    /// Whether maps share out a score of the target, so that float16 holds their values in part.
    pub fn shares_score(&self) -> bool {
        self.sum == Sum::Score
    }

    /// Computation that variants of the method share with other variants.
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

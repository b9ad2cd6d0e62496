//! The methods, and how one is made from its parameters.

mod deconvolution;
mod deep_lift;
mod deep_lift_shap;
mod feature_ablation;
mod grad_cam;
mod gradient_shap;
mod guided_backprop;
mod guided_grad_cam;
mod input_x_gradient;
mod integrated_gradients;
mod kernel_shap;
mod lime;
mod noise_tunnel;
mod occlusion;
mod saliency;
mod together;

use std::borrow::Cow;

use sweep::catalogue::{Item, Sharing};
use sweep::parameters::{Parameter, ParameterError, Parameters};
use sweep::semantics::Semantics;
use tch::TchError;

use crate::{Attribution, Pass};

pub use together::Together;

/// Every method, by its class in Captum.
pub const METHODS: &[&Entry] = &[
    &saliency::ENTRY,
    &input_x_gradient::ENTRY,
    &guided_backprop::ENTRY,
    &deconvolution::ENTRY,
    &integrated_gradients::ENTRY,
    &deep_lift::ENTRY,
    &deep_lift_shap::ENTRY,
    &gradient_shap::ENTRY,
    &feature_ablation::ENTRY,
    &occlusion::ENTRY,
    &grad_cam::ENTRY,
    &guided_grad_cam::ENTRY,
    &noise_tunnel::ENTRY,
    &lime::ENTRY,
    &kernel_shap::ENTRY,
];

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
    const fn new(names: [&'static str; 3], parameters: &'static [Parameter], build: Build) -> Self {
        Self { item: item(names, parameters), complete: false, prefix: None, shares_pass: false, build }
    }

    /// The same, of a method whose maps sum to a change.
    const fn of_complete(names: [&'static str; 3], parameters: &'static [Parameter], build: Build) -> Self {
        Self { item: item(names, parameters), complete: true, prefix: None, shares_pass: false, build }
    }
}

impl Entry {
    /// The same, with a parameter whose smaller values are passed on the way.
    const fn with_prefix(mut self, parameter: &'static str) -> Self {
        self.prefix = Some(parameter);
        self
    }

    /// The same, of a method that uses the forward pass of the images.
    const fn on_the_pass(mut self) -> Self {
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

    /// Of the class called `class`.
    fn find(class: &str) -> Result<&'static Self, MethodError> {
        let entry = METHODS.iter().find(|entry| entry.item.name == class);
        entry.copied().ok_or_else(|| MethodError::Unknown(class.to_owned()))
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

/// Explains the target logits of a batch of images.
pub trait Method {
    /// Maps of the shape of the images, `[n, c, h, w]`: each image's depends on that image alone.
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError>;

    /// What the method would give with each of the `values`, in rising order, for its [`Entry::prefix`]; the
    /// last one is its own.
    fn on_the_way(&self, pass: &Pass<'_>, values: &[i64]) -> Result<Vec<Attribution>, TchError> {
        match values {
            [_] => Ok(vec![self.attribute(pass)?]),
            several => Err(TchError::Shape(format!("{} variants at once, expected one", several.len()))),
        }
    }
}

/// Why a method cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MethodError {
    /// A scheduler of another version asks for it.
    #[error("method `{0}` is not known to this build")]
    Unknown(String),
    /// The parameters were not checked against the entry.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

/// The method `class` with `parameters`.
pub fn build(class: &str, parameters: &Parameters, semantics: Semantics) -> Result<Box<dyn Method>, MethodError> {
    (Entry::find(class)?.build)(parameters, semantics)
}

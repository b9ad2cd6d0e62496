//! The trait of methods: maps of a batch of images.

use sweep::parameters::ParameterError;
use tch::TchError;

use crate::{Attribution, Pass};

/// Explains the target logits of a batch of images.
pub trait Method {
    /// Maps of the shape of the images, `[n, c, h, w]`: the map of an image depends on that image alone.
    fn attribute(&self, pass: &Pass<'_>) -> Result<Attribution, TchError>;

    /// The maps of the method with each of the `values` for the parameter that is its
    /// [`Entry::prefix`](super::Entry::prefix), in rising order; the last value is the method's own.
    fn on_the_way(&self, pass: &Pass<'_>, values: &[i64]) -> Result<Vec<Attribution>, TchError> {
        match values {
            [_] => Ok(vec![self.attribute(pass)?]),
            several => Err(TchError::Shape(format!("{} variants at once, expected one", several.len()))),
        }
    }
}

/// Error for which a method cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MethodError {
    /// Unknown class: a scheduler of another version asks for the class.
    #[error("method `{0}` is not known to this build")]
    Unknown(String),
    /// Wrong parameters, which were not checked against the entry.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// A rule of relevance that is none.
    #[error("parameter `rules`: `{pattern}`: {error}")]
    Rule {
        /// Layers that the rule is for.
        pattern: String,
        /// Fault of the pattern or of the rule.
        error: String,
    },
    /// Failure of libtorch.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

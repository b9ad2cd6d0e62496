//! Variants that are computed together, because one variant passes the others on its way.

use sweep::variant::Variant;
use tch::TchError;

use super::find;
use super::method::{Method, MethodError};
use crate::{Attribution, Pass};

/// Variants that differ in the [`Entry::prefix`](super::Entry::prefix) of their method alone, in rising order of this
/// parameter; mostly a single variant.
pub struct Together<'a> {
    /// Variants that are computed together.
    pub variants: Vec<&'a Variant>,
    /// Values of the parameter, one for each variant.
    values: Vec<i64>,
    /// Method of the last variant.
    method: Box<dyn Method>,
    shares_pass: bool,
}

impl<'a> Together<'a> {
    /// Puts all `variants` into as few parts as possible, in the order of the first variant of each part.
    pub fn of(variants: impl Iterator<Item = &'a Variant>) -> Result<Vec<Self>, MethodError> {
        let mut parts: Vec<Vec<&'a Variant>> = Vec::new();
        for variant in variants {
            let prefix = find(&variant.class)?.prefix;
            let fits = |part: &&mut Vec<&Variant>| prefix.is_some_and(|prefix| part[0].is_like(variant, prefix));
            match parts.iter_mut().find(fits) {
                Some(part) => part.push(variant),
                None => parts.push(vec![variant]),
            }
        }
        parts.into_iter().map(Self::made).collect()
    }

    fn made(variants: Vec<&'a Variant>) -> Result<Self, MethodError> {
        let of = |variant: &'a Variant| -> Result<(i64, &'a Variant), MethodError> {
            let prefix = find(&variant.class)?.prefix;
            Ok((prefix.map_or(Ok(0), |prefix| variant.parameters.integer(prefix))?, variant))
        };
        let mut keyed = variants.into_iter().map(of).collect::<Result<Vec<_>, _>>()?;
        keyed.sort_by_key(|(value, _)| *value);
        let (values, variants): (Vec<i64>, Vec<&Variant>) = keyed.into_iter().unzip();
        // There is one at least.
        let last = variants[variants.len() - 1];
        let method = super::build(&last.class, &last.parameters, last.semantics)?;
        let shares_pass = find(&last.class)?.shares_pass;
        Ok(Self { variants, values, method, shares_pass })
    }

    /// Maps of each variant.
    pub fn attribute(&self, pass: &Pass<'_>) -> Result<Vec<Attribution>, TchError> {
        match self.values.len() {
            1 => Ok(vec![self.method.attribute(pass)?]),
            _ => self.method.on_the_way(pass, &self.values),
        }
    }

    /// Whether the methods use the forward pass of the images that all share.
    pub fn shares_pass(&self) -> bool {
        self.shares_pass
    }
}

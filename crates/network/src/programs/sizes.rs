//! Sizes of a program's values: numbers, or multiples of the number of images.
//!
//! The program says the shape of every value, and there every size that its code computed from the
//! batch (`x.size(0) * heads`) is already worked out. Reading shapes from there spares following
//! that arithmetic node by node.

use super::file::schema;
use crate::graph::Size;

/// Name of the number of images in a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Batch {
    /// Dynamic batch: the symbol of the number of images.
    Symbol(String),
    /// Fixed batch: the number of images that the program was exported for. A leading size that equals this number counts as
    /// the number of images.
    Fixed(i64),
}

impl Batch {
    /// Batch that the first size of the images stands for.
    pub(super) fn of(size: &schema::Size) -> Option<Self> {
        match size {
            schema::Size::AsInt(size) => Some(Self::Fixed(*size)),
            schema::Size::AsExpr(expression) => symbol(&expression.expr_str).map(|name| Self::Symbol(name.to_owned())),
        }
    }

    /// Whether images are counted in the first of `sizes`; a symbol may stand anywhere.
    pub(super) fn is_in_front(&self, sizes: &[schema::Size]) -> bool {
        match self {
            Self::Symbol(_) => true,
            Self::Fixed(batch) => sizes.first().and_then(schema::Size::number) == Some(*batch),
        }
    }

    /// What `sizes` mean, where `in_front` says that images are counted in the first. A size that depends
    /// on something else (images of any height, say) is none.
    pub(super) fn read(&self, sizes: &[schema::Size], in_front: bool) -> Vec<Option<Size>> {
        let read = |(position, size): (usize, &schema::Size)| match (size, self) {
            (schema::Size::AsInt(size), Self::Fixed(batch)) if in_front && position == 0 && size == batch => {
                Some(Size::Images(1))
            }
            (schema::Size::AsInt(size), _) => Some(Size::Fixed(*size)),
            (schema::Size::AsExpr(expression), Self::Symbol(batch)) => multiple(&expression.expr_str, batch),
            (schema::Size::AsExpr(_), Self::Fixed(_)) => None,
        };
        sizes.iter().enumerate().map(read).collect()
    }
}

/// `Symbol('s77', positive=True, integer=True)` is `s77`.
fn symbol(expression: &str) -> Option<&str> {
    let (name, rest) = expression.trim().strip_prefix("Symbol('")?.split_once('\'')?;
    // Nothing may follow the symbol's own arguments.
    let inner = rest.strip_suffix(')')?;
    (!inner.contains(['(', ')'])).then_some(name)
}

/// `Mul(Integer(12), Symbol('s77', ..))` is twelve times `s77`.
fn multiple(expression: &str, batch: &str) -> Option<Size> {
    let expression = expression.trim();
    if symbol(expression) == Some(batch) {
        return Some(Size::Images(1));
    }
    let integer = |text: &str| text.trim().strip_prefix("Integer(")?.strip_suffix(')')?.parse::<i64>().ok();
    if let Some(number) = integer(expression) {
        return Some(Size::Fixed(number));
    }
    let (factor, rest) = expression.strip_prefix("Mul(")?.strip_suffix(')')?.split_once(',')?;
    (symbol(rest) == Some(batch)).then(|| integer(factor).map(Size::Images))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: &str = "Symbol('s77', positive=True, integer=True)";

    fn dynamic(expression: &str) -> Option<Size> {
        multiple(expression, "s77")
    }

    #[test]
    fn a_size_is_a_number_or_a_multiple_of_the_number_of_images() {
        assert_eq!(symbol(BATCH), Some("s77"));
        assert_eq!(dynamic(BATCH), Some(Size::Images(1)));
        assert_eq!(dynamic(&format!("Mul(Integer(12), {BATCH})")), Some(Size::Images(12)));
        assert_eq!(dynamic("Integer(7)"), Some(Size::Fixed(7)));
    }

    #[test]
    fn what_is_no_multiple_of_the_number_of_images_is_no_size() {
        for other in [
            "Symbol('s1', positive=True, integer=True)",
            &format!("Add({BATCH}, Integer(1))"),
            &format!("Mul({BATCH}, {BATCH})"),
            &format!("Mul(Rational(1, 2), {BATCH})"),
            &format!("Mul(Integer(2), {BATCH}, Symbol('s1', integer=True))"),
            "",
        ] {
            assert_eq!(dynamic(other), None, "{other}");
        }
    }

    #[test]
    fn of_a_fixed_batch_only_a_leading_size_can_be_the_number_of_images() {
        let sizes = [schema::Size::AsInt(2), schema::Size::AsInt(2)];
        let batch = Batch::of(&sizes[0]).unwrap();
        assert_eq!(batch.read(&sizes, true), [Some(Size::Images(1)), Some(Size::Fixed(2))]);
        assert_eq!(batch.read(&sizes, false), [Some(Size::Fixed(2)), Some(Size::Fixed(2))]);
    }
}

//! Arguments of a call, read as the type that an operation wants.

use crate::programs::file::schema::{Argument, SymInt};

/// A type that an argument can be.
pub(crate) trait FromArgument: Sized {
    /// Description of the type, for errors.
    const EXPECTED: &'static str;

    /// The value, if the argument is of this type.
    fn from_argument(argument: &Argument) -> Option<Self>;
}

impl FromArgument for i64 {
    const EXPECTED: &'static str = "a whole number that does not depend on the images";

    fn from_argument(argument: &Argument) -> Option<Self> {
        match argument {
            Argument::AsInt(number) => Some(*number),
            _ => None,
        }
    }
}

impl FromArgument for Vec<i64> {
    const EXPECTED: &'static str = "whole numbers that do not depend on the images";

    fn from_argument(argument: &Argument) -> Option<Self> {
        let number = |size: &SymInt| match size {
            SymInt::AsInt(number) => Some(*number),
            SymInt::AsName(_) => None,
        };
        match argument {
            Argument::AsInt(number) => Some(vec![*number]),
            Argument::AsInts(numbers) => Some(numbers.clone()),
            Argument::AsSymInts(sizes) => sizes.iter().map(number).collect(),
            // A list without items has no type of its own.
            Argument::AsTensors(none) if none.is_empty() => Some(Vec::new()),
            _ => None,
        }
    }
}

/// A number for both directions, or `[down, across]`.
impl FromArgument for [i64; 2] {
    const EXPECTED: &'static str = "one or two whole numbers that do not depend on the images";

    fn from_argument(argument: &Argument) -> Option<Self> {
        match Vec::from_argument(argument)?[..] {
            [both] => Some([both; 2]),
            [down, across] => Some([down, across]),
            _ => None,
        }
    }
}

impl FromArgument for f64 {
    const EXPECTED: &'static str = "a number that does not depend on the images";

    fn from_argument(argument: &Argument) -> Option<Self> {
        match argument {
            Argument::AsFloat(number) => Some(number.0),
            Argument::AsInt(number) => Some(*number as f64),
            Argument::AsBool(truth) => Some(f64::from(u8::from(*truth))),
            _ => None,
        }
    }
}

impl FromArgument for Vec<f64> {
    const EXPECTED: &'static str = "numbers that do not depend on the images";

    fn from_argument(argument: &Argument) -> Option<Self> {
        match argument {
            Argument::AsFloats(numbers) => Some(numbers.iter().map(|number| number.0).collect()),
            _ => None,
        }
    }
}

impl FromArgument for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_argument(argument: &Argument) -> Option<Self> {
        match argument {
            Argument::AsBool(truth) => Some(*truth),
            _ => None,
        }
    }
}

impl FromArgument for String {
    const EXPECTED: &'static str = "a word";

    fn from_argument(argument: &Argument) -> Option<Self> {
        match argument {
            Argument::AsString(word) => Some(word.clone()),
            _ => None,
        }
    }
}

/// A type of elements, as the schema numbers it.
pub(crate) struct ElementType(pub(crate) tch::Kind);

impl FromArgument for ElementType {
    const EXPECTED: &'static str = "a type of elements";

    fn from_argument(argument: &Argument) -> Option<Self> {
        match argument {
            Argument::AsScalarType(number) => crate::programs::file::archive::kind(*number).map(Self),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: FromArgument>(json: &str) -> Option<T> {
        T::from_argument(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn arguments_are_read_as_the_type_that_is_wanted_or_not_at_all() {
        assert_eq!(read::<i64>(r#"{"as_int": 3}"#), Some(3));
        assert_eq!(read::<f64>(r#"{"as_int": 3}"#), Some(3.0));
        assert_eq!(read::<f64>(r#"{"as_float": "-Infinity"}"#), Some(f64::NEG_INFINITY));
        assert_eq!(read::<i64>(r#"{"as_float": 3.0}"#), None);
        assert_eq!(read::<[i64; 2]>(r#"{"as_ints": [3]}"#), Some([3, 3]));
        assert_eq!(read::<[i64; 2]>(r#"{"as_ints": [1, 2, 3]}"#), None);
        assert_eq!(read::<Vec<i64>>(r#"{"as_sym_ints": [{"as_int": 4}, {"as_name": "batch"}]}"#), None);
        assert_eq!(read::<bool>(r#"{"as_none": true}"#), None);
    }
}

//! Metrics of curves whose removed pixels are imputed from the pixels around them, in one order or in both.

use sweep::parameters::{Default, Parameter, Parameters};

use crate::parameters::{ONE_ORDER, TARGET, channels, most, score, steps};

pub(in crate::metrics) mod road;
pub(in crate::metrics) mod road_combined;

/// Parameters of a curve in one order; those behind the first one are those of both orders.
const OF_ONE_ORDER: &[Parameter] =
    &[ONE_ORDER, steps(10), most(Some(Default::Integer(9))), channels("sum"), TARGET, score("probability")];

/// Copy of `parameters` in which removed pixels are imputed.
fn imputed(parameters: &Parameters) -> Parameters {
    let mut parameters = parameters.clone();
    parameters.0.insert("baseline".to_owned(), "imputed".into());
    parameters
}

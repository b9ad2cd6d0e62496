//! Operators that leave a value as it is: dropout of a model that is not in training, copies, conversions to the type at hand.

use tch::Tensor;

use super::constant::floating;
use crate::graph::copied;
use crate::programs::{Call, ElementType, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "identity",
    summary: "dropout in evaluation, copies, conversions to a floating type: no operation in the graph. Layers under \
              `torch.autocast` compute in the precision of the config",
    deep_lift: "linear",
    aten: &[
        "aten.dropout",
        "aten.feature_dropout",
        "aten.alpha_dropout",
        "aten.contiguous",
        "aten.clone",
        "aten.alias",
        "aten.lift_fresh_copy",
        "aten.to",
        "aten.type_as",
        "aten._to_copy",
    ],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let drops = call.operator().ends_with("dropout");
    // `dropout` calls it so, `dropout_` does not.
    let value = match call.optional_value("input")? {
        Some(value) => value,
        None => call.value("self")?,
    };
    if drops && call.get("train", false)? {
        return Err(call.fault("train", still_drops(call)));
    }
    let (_, kind) = call.placed();
    let wanted = match call.operator() {
        "type_as" => Some(call.value("other")?.tensor().map_or(Ok(kind), Tensor::f_kind)?),
        _ => call.optional::<ElementType>("dtype")?.map(|ElementType(given)| given),
    };
    let wanted = wanted.map(|wanted| floating(wanted, kind));
    match (&value, wanted) {
        (Value::Constant(tensor), Some(wanted)) => Ok(tensor.f_to_kind(wanted)?.into()),
        (_, Some(wanted)) if wanted != kind => Err(call.fault("dtype", "images become numbers of another kind")),
        // The program may change the copy.
        (Value::Constant(tensor), _) if matches!(call.operator(), "clone" | "lift_fresh_copy") => {
            Ok(copied(tensor)?.into())
        }
        (Value::Constant(tensor), _) if call.operator() == "contiguous" => Ok(tensor.f_contiguous()?.into()),
        _ => Ok(value),
    }
}

/// Advice on a dropout that is on: the dropout is a module's, or a function's that does not ask whether the model is in
/// training.
fn still_drops(call: &Call<'_>) -> &'static str {
    let modules = ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"];
    if modules.into_iter().any(|class| call.is_in_module(class)) {
        "expected false: it was exported in training; export model.eval()"
    } else {
        "expected false: this dropout is on whether or not the model is in training; pass training=self.training to it, \
         and export model.eval()"
    }
}

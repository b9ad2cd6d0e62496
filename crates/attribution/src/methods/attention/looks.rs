//! What the methods of attention have in common: the row of the class, and a map of its patches.

use std::borrow::Cow;

use network::rules::attentions::Patches;
use sweep::parameters::{Default, Kind, Parameter};
use tch::{TchError, Tensor};

use crate::Pass;

/// Parameter for the first attention that counts.
pub(super) const START_LAYER: Parameter = Parameter {
    name: Cow::Borrowed("start_layer"),
    summary: Cow::Borrowed("number of the first attention that counts, from 0; those before it are taken for none"),
    kind: Kind::Integer { least: 0, most: 10_000 },
    default: Some(Default::Integer(0)),
};

/// Places of the patches in the attentions of the model.
pub(super) fn patches(pass: &Pass<'_>) -> Result<Patches, TchError> {
    let outline = pass.graph().outline(&pass.images().f_narrow(0, 0, 1)?)?;
    let none = || TchError::Shape("the model has no attention over all patches of an image".to_owned());
    pass.graph().patches(&outline).ok_or_else(none)
}

/// The row `[n, 1, tokens]` that selects the class token; the mean of all tokens where there is none.
pub(super) fn class_row(pass: &Pass<'_>, patches: Patches) -> Result<Tensor, TchError> {
    let tokens = patches.before + patches.grid[0] * patches.grid[1];
    let options = (pass.images().f_kind()?, pass.images().device());
    let row = Tensor::f_zeros([pass.len(), 1, tokens], options)?;
    let (first, value) = if patches.before > 0 { (1, 1.0) } else { (tokens, 1.0 / tokens as f64) };
    let _ = row.f_narrow(2, 0, first)?.f_fill_(value)?;
    Ok(row)
}

/// The patches of a `row` `[n, 1, tokens]` as a map of the images `[n, c, h, w]`.
pub(super) fn map_of(pass: &Pass<'_>, row: &Tensor, patches: Patches) -> Result<Tensor, TchError> {
    let [rows, columns] = patches.grid;
    let (_, _, height, width) = pass.images().size4()?;
    let picture = row.f_narrow(2, patches.before, rows * columns)?.f_reshape([pass.len(), 1, rows, columns])?;
    picture.f_upsample_bilinear2d([height, width], false, None, None)?.f_expand_as(pass.images())
}

/// Mean over heads of values `[n, heads, ..]`.
pub(super) fn over_heads(values: &Tensor) -> Result<Tensor, TchError> {
    values.f_mean_dim([1_i64].as_slice(), false, values.f_kind()?)
}

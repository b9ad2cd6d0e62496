//! A value that no gradient passes: `detach` of a program, and what runs under `torch.no_grad`.

use tch::{TchError, Tensor};

use super::Entry;
use crate::exported::{Call, ExportError, Value};
use crate::graph::{How, Kept, Operation, Reach, Rule, Spatial};

pub(super) const ENTRY: Entry = Entry {
    name: "detach",
    summary: "the same value without a gradient, as behind `detach` and under `torch.no_grad`",
    deep_lift: "nothing passes: not complete",
    aten: &["aten.detach"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    if input.tensor().is_some() {
        return Ok(input);
    }
    call.push(Detach, &[input])
}

/// The same value. It has no gradient, so that its backward step adds nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detach;

impl Operation for Detach {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].shallow_clone(), Vec::new()))
    }

    fn backward(&self, _: &Kept, _: &Tensor, _: Rule) -> Result<Vec<Tensor>, TchError> {
        Ok(Vec::new())
    }

    fn reach(&self, _: usize) -> Reach {
        Reach::Pixel
    }

    fn any_layout(&self) -> bool {
        true
    }

    fn is_detached(&self) -> bool {
        true
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}

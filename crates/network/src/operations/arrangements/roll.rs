//! Values shifted along dimensions; what leaves at one end enters at the other.

use tch::{TchError, Tensor};

use crate::graph::{How, Kept, Operation, Spatial};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "roll",
    summary: "values shifted in a circle, as shifted windows do",
    deep_lift: "linear",
    aten: &["aten.roll"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    let dims: Vec<i64> = call.get("dims", Vec::new())?;
    if dims.is_empty() {
        return Err(call.fault("dims", "expected dimensions"));
    }
    let dims = call.dims("self", &dims)?;
    call.apply(Roll { shifts: call.need("shifts")?, dims }, &[input])
}

/// A circular shift.
#[derive(Clone, Debug)]
pub(crate) struct Roll {
    pub(crate) shifts: Vec<i64>,
    /// Dimensions; that of the images is never among them.
    pub(crate) dims: Vec<i64>,
}

impl Operation for Roll {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        Ok((inputs[0].f_roll(self.shifts.as_slice(), self.dims.as_slice())?, Vec::new()))
    }

    fn backward(&self, _: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let back: Vec<i64> = self.shifts.iter().map(|shift| -shift).collect();
        Ok(vec![gradient.f_roll(back.as_slice(), self.dims.as_slice())?])
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }
}

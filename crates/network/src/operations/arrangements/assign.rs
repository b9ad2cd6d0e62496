//! Values put into places of another value: `x[:, i] = y`.

use tch::{Kind, TchError, Tensor};

use crate::graph::{How, Kept, Local, Operation, Reach, Spatial, copied};
use crate::operations::arithmetic::compare::Where;
use crate::operations::gradients::reduced;
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "assign",
    summary: "values put into places of another value: one index, a slice, a list of places, or where a mask is true",
    deep_lift: "linear where the places are constants; else plain gradient: not complete",
    aten: &["aten.select_scatter", "aten.slice_scatter", "aten.index_put", "aten.index_copy", "aten.index_add"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let input = call.value("self")?;
    if call.operator() == "index_put" {
        return put(call, input);
    }
    let dim = call.dim("dim", 0)?;
    let place = match call.operator() {
        "select_scatter" => Place::Index(call.need("index")?),
        "slice_scatter" => {
            let (start, end) = (call.get("start", 0)?, call.get("end", i64::MAX)?);
            Place::Range { start, end, step: call.get("step", 1)? }
        }
        _ => {
            let index = call.constant("index")?;
            Place::List(listed(call, "index", &index, dim)?)
        }
    };
    let add = call.operator() == "index_add";
    if add && call.get("alpha", 1.0)? != 1.0 {
        return Err(call.fault("alpha", "expected 1"));
    }
    let source = call.value(if call.operator().starts_with("index") { "source" } else { "src" })?;
    call.apply(Assign { dim, place, add }, &[input, source])
}

/// `x[:, [2, 1, 0]] = y`, and `x[mask] = 0.5`.
fn put(call: &mut Call<'_>, input: Value) -> Result<Value, ExportError> {
    let (indices, values) = (call.optional_values("indices")?, call.value("values")?);
    let add = call.get("accumulate", false)?;
    let given: Vec<(usize, &Value)> =
        indices.iter().enumerate().filter_map(|(dim, index)| Some((dim, index.as_ref()?))).collect();
    let [(dim, index)] = given[..] else {
        return Err(call.fault("indices", "expected places along one dimension, or one mask"));
    };
    let whole = dim == 0 && call.is_as_large("indices", "self");
    match index.tensor() {
        Some(places) if places.dim() == 1 && places.f_kind()? == Kind::Int64 => {
            let place = Place::List(listed(call, "indices", places, dim as i64)?);
            call.apply(Assign { dim: dim as i64, place, add }, &[input, values])
        }
        _ if whole && !add => call.push(Where, &[values, input, index.clone()]),
        _ => Err(call.fault("indices", "expected a list of whole numbers, or a mask of all values")),
    }
}

/// Places along `dim` of `self`, counted from 0, each once.
fn listed(call: &Call<'_>, name: &str, places: &Tensor, dim: i64) -> Result<Tensor, ExportError> {
    let size = call.shape("self")?.get(dim as usize).copied().flatten().map(|size| size.of(1));
    let size = size.filter(|_| dim > 0).ok_or_else(|| call.fault(name, "expected places along one known dimension"))?;
    let mut list = vec![0_i64; places.numel()];
    places.f_to_kind(Kind::Int64)?.f_contiguous()?.f_copy_data(&mut list, places.numel())?;
    let from_first: Vec<i64> = list.iter().map(|place| if *place < 0 { place + size } else { *place }).collect();
    let mut sorted = from_first.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let fit = from_first.iter().all(|place| (0..size).contains(place)) && sorted.len() == from_first.len();
    if fit {
        Ok(copied(&Tensor::f_from_slice(&from_first)?.f_to_device(places.device())?)?)
    } else {
        Err(call.fault(name, &format!("expected places below {size}, each once")))
    }
}

/// Places of a value along one dimension.
#[derive(Debug)]
enum Place {
    /// A place, whose dimension goes.
    Index(i64),
    /// Numbers of [`super::select::Slice`].
    Range { start: i64, end: i64, step: i64 },
    /// Places `[k]`, each once.
    List(Tensor),
}

/// The first input, with the second one at some places along `dim`.
#[derive(Debug)]
struct Assign {
    dim: i64,
    place: Place,
    /// Whether the second input is added to what is there.
    add: bool,
}

impl Assign {
    /// The values of `x` at the places.
    fn taken(&self, x: &Tensor) -> Result<Tensor, TchError> {
        match &self.place {
            Place::Index(index) => x.f_select(self.dim, *index),
            Place::Range { start, end, step } => x.f_slice(self.dim, *start, *end, *step),
            Place::List(places) => x.f_index_select(self.dim, places),
        }
    }

    /// `x` with `source` at the places.
    fn put(&self, x: &Tensor, source: &Tensor) -> Result<Tensor, TchError> {
        match &self.place {
            Place::Index(index) => x.f_select_scatter(source, self.dim, *index),
            Place::Range { start, end, step } => x.f_slice_scatter(source, self.dim, *start, *end, *step),
            Place::List(places) if self.add => x.f_index_add(self.dim, places, source),
            Place::List(places) => x.f_index_copy(self.dim, places, source),
        }
    }
}

impl Operation for Assign {
    fn run(&self, inputs: &[&Tensor], _: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let [x, source] = inputs else { return Err(TchError::Shape("an assignment of other than two values".into())) };
        // A constant stands for all images.
        let rows = x.size().first().copied().unwrap_or(1).max(source.size().first().copied().unwrap_or(1));
        let mut shape = x.size();
        if let Some(first) = shape.first_mut().filter(|first| **first == 1 && source.dim() == x.dim()) {
            *first = rows;
        }
        let x = x.f_expand(&shape, false)?;
        // A whole number that is assigned becomes a number of the type of the others.
        let source = source.f_to_kind(x.f_kind()?)?.f_expand_as(&self.taken(&x)?)?;
        Ok((self.put(&x, &source)?, Vec::new()))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let given = self.taken(gradient)?;
        let left = if self.add { gradient.shallow_clone() } else { self.put(gradient, &given.f_zeros_like()?)? };
        Ok(vec![reduced(&left, kept.shape(0)?)?, reduced(&given, kept.shape(1)?)?])
    }

    fn spatial(&self) -> Spatial<'_> {
        Spatial::Kept
    }

    fn local(&self) -> Option<&dyn Local> {
        // Places among channels leave every pixel where it is; one index takes a dimension away.
        (self.dim == 1 && !matches!(self.place, Place::Index(_))).then_some(self)
    }
}

impl Local for Assign {
    fn reach(&self, _: usize) -> Reach {
        Reach::Pixel
    }
}

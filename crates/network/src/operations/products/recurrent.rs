//! Recurrent layers over the rows of a value: LSTM, GRU, and the plain ones with tanh or ReLU.
//!
//! A call of several layers and directions becomes one operation for each layer and direction, as every operation gives one value.

use tch::{TchError, Tensor};

use crate::graph::{Constant, Detach, How, Kept, Operation, Size};
use crate::operations::arrangements::concatenate::Concatenate;
use crate::operations::arrangements::expand::Expand;
use crate::operations::arrangements::reshape::Reshape;
use crate::operations::arrangements::select::{Select, Slice};
use crate::operations::gradients::{plain_gradient, run_keeping};
use crate::programs::{Call, Entry, ExportError, Value};

pub(in crate::operations) const ENTRY: Entry = Entry {
    name: "recurrent",
    summary: "LSTM, GRU and plain recurrent layers, of several layers and both directions",
    deep_lift: "plain gradient: not complete",
    aten: &["aten.lstm", "aten.gru", "aten.rnn_tanh", "aten.rnn_relu"],
    import,
};

fn import(call: &mut Call<'_>) -> Result<Value, ExportError> {
    let mut value = call.value("input")?;
    if call.get("train", false)? && call.get("dropout", 0.0)? != 0.0 {
        return Err(call.fault("dropout", "expected 0 in training; export model.eval()"));
    }
    let rank = call.shape("input")?.len();
    if rank != 3 || value.tensor().is_some() {
        return Err(call.fault("input", "expected rows of each image, [n, rows, values] or [rows, n, values]"));
    }
    let kind = Cell::of(call)?;
    let first = first_states(call)?;
    let (weights, batch_first) = (weights(call, kind)?, call.get("batch_first", false)?);
    let directions = if call.get("bidirectional", false)? { 2 } else { 1 };
    let (mut last, mut cells) = (Vec::new(), Vec::new());
    for (layer, weights) in weights.chunks(directions).enumerate() {
        let mut outputs = Vec::with_capacity(directions);
        for (direction, weights) in weights.iter().enumerate() {
            let mut inputs = vec![value.clone()];
            let start = (layer * directions + direction) as i64;
            for state in &first {
                let state = std::slice::from_ref(state);
                inputs.push(call.apply(Slice { dim: 0, start, end: start + 1, step: 1 }, state)?);
            }
            let weights = weights.iter().map(Tensor::shallow_clone).collect();
            let layer = Recurrent { cell: kind, weights, reversed: direction == 1, batch_first, gives_cell: false };
            if call.is_read(2) {
                cells.push((layer.shallow_clone(), inputs.clone()));
            }
            let output = call.apply(layer, &inputs)?;
            last.push((output.clone(), direction == 1));
            outputs.push(output);
        }
        value = if outputs.len() == 1 { outputs.remove(0) } else { call.apply(Concatenate { dim: 2 }, &outputs)? };
    }
    let mut given = vec![value];
    // Of a program for one number of images, the states do not have the images in front.
    if call.keep_in_front(false).is_ok() {
        given.push(last_states(call, &last, batch_first)?);
        if !cells.is_empty() {
            given.push(last_cells(call, cells)?);
        }
    }
    Ok(Value::List(given))
}

/// The cells of each layer and direction of an LSTM after its last step, `[layers * directions, n, values]`.
fn last_cells(call: &mut Call<'_>, layers: Vec<(Recurrent, Vec<Value>)>) -> Result<Value, ExportError> {
    let mut cells = Vec::with_capacity(layers.len());
    for (layer, inputs) in layers {
        cells.push(call.apply(Recurrent { gives_cell: true, ..layer }, &inputs)?);
    }
    if cells.len() == 1 { Ok(cells.remove(0)) } else { call.apply(Concatenate { dim: 0 }, &cells) }
}

/// The output of each layer and direction at its last step, `[layers * directions, n, values]`.
fn last_states(call: &mut Call<'_>, outputs: &[(Value, bool)], batch_first: bool) -> Result<Value, ExportError> {
    let shape = call.output_shapes().into_iter().nth(1).unwrap_or_default();
    let mut shape: Vec<Size> = shape.into_iter().map(|size| size.unwrap_or(Size::Fixed(-1))).collect();
    if let Some(first) = shape.first_mut() {
        *first = Size::Fixed(1);
    }
    let mut states = Vec::with_capacity(outputs.len());
    for (output, reversed) in outputs {
        let step = Select { dim: i64::from(batch_first), index: if *reversed { 0 } else { -1 } };
        let state = call.apply(step, std::slice::from_ref(output))?;
        states.push(call.apply(Reshape { shape: shape.clone() }, &[state])?);
    }
    call.apply(Concatenate { dim: 0 }, &states)
}

/// The states before the first row, `[layers * directions, n, values]` each; none if they are zero, as they nearly always are.
fn first_states(call: &mut Call<'_>) -> Result<Vec<Value>, ExportError> {
    let states = call.values("hx")?;
    let mut zeros = true;
    for state in &states {
        let Some(constant) = constant_of(call, state) else {
            zeros = false;
            continue;
        };
        zeros &= constant.f_count_nonzero(None::<i64>)?.f_int64_value(&[])? == 0;
    }
    if zeros {
        return Ok(Vec::new());
    }
    if states.iter().any(|state| state.tensor().is_some()) {
        return Err(call.fault("hx", "expected zeros, or a first state for each image"));
    }
    Ok(states)
}

/// The constant that `value` is for every image; `None` if `value` is no constant.
fn constant_of(call: &Call<'_>, value: &Value) -> Option<Tensor> {
    if let Some(tensor) = value.tensor() {
        return Some(tensor.shallow_clone());
    }
    let mut node = call.node_of(value)?;
    while node.operation.as_a::<Expand>().is_some() || node.operation.as_a::<Detach>().is_some() {
        node = call.node(*node.inputs.first()?)?;
    }
    node.operation.as_a::<Constant>().map(|Constant(tensor)| tensor.shallow_clone())
}

/// The weights of each layer and direction, of the sizes that the cell asks for.
fn weights(call: &mut Call<'_>, kind: Cell) -> Result<Vec<Vec<Tensor>>, ExportError> {
    let values = call.values("params")?;
    let tensors: Option<Vec<Tensor>> = values.iter().map(|value| value.tensor().map(Tensor::shallow_clone)).collect();
    let tensors = tensors.ok_or_else(|| call.fault("params", "depend on the images; expected weights"))?;
    let each = if call.get("has_biases", true)? { 4 } else { 2 };
    let parts = call.get("num_layers", 1)?.saturating_mul(if call.get("bidirectional", false)? { 2 } else { 1 });
    let expected =
        "expected two weights and, if there are any, two biases for each layer and direction, without a projection";
    let fit = |part: &[Tensor]| {
        let hidden = part.get(1).and_then(|weight| weight.size().last().copied()).unwrap_or(0);
        let rows = |tensor: &Tensor| tensor.size().first().copied() == hidden.checked_mul(kind.gates());
        part.iter().all(rows)
            && part[..2].iter().all(|weight| weight.dim() == 2)
            && part[2..].iter().all(|bias| bias.dim() == 1)
    };
    if tensors.is_empty() || tensors.len() as i64 != parts.saturating_mul(each as i64) || !tensors.chunks(each).all(fit)
    {
        return Err(call.fault("params", expected));
    }
    Ok(tensors.chunks(each).map(|part| part.iter().map(Tensor::shallow_clone).collect()).collect())
}

/// Kinds of recurrent layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Lstm,
    Gru,
    Tanh,
    Relu,
}

impl Cell {
    fn of(call: &Call<'_>) -> Result<Self, ExportError> {
        match call.operator() {
            "lstm" => Ok(Self::Lstm),
            "gru" => Ok(Self::Gru),
            "rnn_tanh" => Ok(Self::Tanh),
            "rnn_relu" => Ok(Self::Relu),
            _ => Err(call.unsupported()),
        }
    }

    /// Rows of weights for each value of the state.
    fn gates(self) -> i64 {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
            Self::Tanh | Self::Relu => 1,
        }
    }
}

/// A direction of a layer: `[n, rows, values]`, or `[rows, n, values]`, to as many rows of states.
#[derive(Debug)]
struct Recurrent {
    cell: Cell,
    /// Weights `[gates * states, values]` and `[gates * states, states]`, and two biases `[gates * states]`, if the layer has
    /// biases.
    weights: Vec<Tensor>,
    /// Whether the layer goes from the last row to the first.
    reversed: bool,
    /// Whether the images are in front of their rows.
    batch_first: bool,
    /// Whether the layer, an LSTM, gives its cell after the last row, `[1, n, states]`, and not its states after each row.
    gives_cell: bool,
}

impl Recurrent {
    /// The same layer, with the same weights.
    fn shallow_clone(&self) -> Self {
        let weights = self.weights.iter().map(Tensor::shallow_clone).collect();
        Self { weights, ..*self }
    }

    /// The states after each row of the first of `inputs`, or the cell after the last; the others are the states before, `[1, n, states]`.
    fn of(&self, inputs: &[Tensor]) -> Result<Tensor, TchError> {
        let rows = i64::from(self.batch_first);
        let wrong = |found: &Tensor| TchError::Shape(format!("rows {:?} in a recurrent layer", found.size()));
        let [x, first @ ..] = inputs else { return Err(TchError::Shape("a recurrent layer without rows".to_owned())) };
        let (values, states) = (self.weights[0].size()[1], self.weights[1].size()[1]);
        if x.dim() != 3 || x.size()[2] != values {
            return Err(wrong(x));
        }
        let before = [1, x.size()[usize::from(self.batch_first) ^ 1], states];
        let zero = Tensor::f_zeros(before, (x.f_kind()?, x.device()))?;
        let state = |at: usize| first.get(at).map_or_else(|| zero.shallow_clone(), Tensor::shallow_clone);
        if first.iter().any(|state| state.size() != before) {
            return Err(wrong(x));
        }
        let x = if self.reversed { x.f_flip([rows])? } else { x.shallow_clone() };
        // cuDNN gives gradients of a run in training only; nothing is dropped, so that it is the same run.
        let (weights, biases, in_training) = (&self.weights, self.weights.len() == 4, true);
        let output = match self.cell {
            Cell::Lstm => {
                let states = [state(0), state(1)];
                let (rows, _, cell) =
                    x.f_lstm(&states, weights, biases, 1, 0.0, in_training, false, self.batch_first)?;
                if self.gives_cell {
                    return Ok(cell);
                }
                rows
            }
            Cell::Gru => x.f_gru(&state(0), weights, biases, 1, 0.0, in_training, false, self.batch_first)?.0,
            Cell::Tanh => x.f_rnn_tanh(&state(0), weights, biases, 1, 0.0, in_training, false, self.batch_first)?.0,
            Cell::Relu => x.f_rnn_relu(&state(0), weights, biases, 1, 0.0, in_training, false, self.batch_first)?.0,
        };
        if self.reversed { output.f_flip([rows]) } else { Ok(output) }
    }
}

impl Operation for Recurrent {
    fn run(&self, inputs: &[&Tensor], how: How) -> Result<(Tensor, Vec<Tensor>), TchError> {
        let owned: Vec<Tensor> = inputs.iter().map(|input| input.shallow_clone()).collect();
        run_keeping(inputs, how, |_| self.of(&owned))
    }

    fn backward(&self, kept: &Kept, gradient: &Tensor) -> Result<Vec<Tensor>, TchError> {
        plain_gradient(&kept.tensors, gradient, |inputs| self.of(inputs))
    }
}

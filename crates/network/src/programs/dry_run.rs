//! A trial of a graph that was read from a program: it runs, forward and backward, and looks at each
//! image by itself.

use tch::{Device, Kind, TchError, Tensor};

use super::ExportError;
use super::sizes::Batch;

use crate::graph::{Gradient, Graph, copied, wide};

/// Height and width of the trial's images where the program takes any.
const SIDE: i64 = 64;

/// Runs a few images: another number than those that the program was exported with, so that no size of
/// that example hides in the graph.
pub(super) fn run(graph: &Graph, batch: &Batch, placed: (Device, Kind)) -> Result<(), ExportError> {
    let rows = if *batch == Batch::Fixed(3) { 4 } else { 3 };
    let images = images(graph, rows, placed)?;
    let trace = graph.trace(&images).map_err(ExportError::Fails)?;
    if trace.logits().size() != [rows, graph.classes()] {
        return Err(ExportError::Mixed);
    }
    if graph.hides_changes() {
        alone(graph, &images, trace.logits())?;
    }
    // The logits of an image have no gradient at the others, to the last bit.
    for row in 0..rows {
        let seed = trace.logits().f_zeros_like()?;
        let _ = seed.f_narrow(0, row, 1)?.f_fill_(1.0)?;
        let gradient = graph.backward(&trace, &seed, &Gradient).map_err(ExportError::Fails)?;
        let _ = gradient.f_narrow(0, row, 1)?.f_zero_()?;
        if gradient.f_abs()?.f_gt(0.0)?.f_any()?.f_int64_value(&[])? != 0 {
            return Err(ExportError::Mixed);
        }
    }
    Ok(())
}

/// That the logits of all other images stay as they are where one image is another one: what no gradient shows.
fn alone(graph: &Graph, images: &Tensor, logits: &Tensor) -> Result<(), ExportError> {
    for row in 0..images.size()[0] {
        let others = copied(images)?;
        let _ = others.f_narrow(0, row, 1)?.f_mul_scalar_(-1.7)?;
        let changed = graph.forward(&others).map_err(ExportError::Fails)?.f_ne_tensor(logits)?;
        let _ = changed.f_narrow(0, row, 1)?.f_fill_(0.0)?;
        if changed.f_any()?.f_int64_value(&[])? != 0 {
            return Err(ExportError::Mixed);
        }
    }
    Ok(())
}

/// Images with any values: a wave spares libtorch's global generator.
fn images(graph: &Graph, rows: i64, (device, kind): (Device, Kind)) -> Result<Tensor, TchError> {
    let [height, width] = graph.size().unwrap_or([SIDE; 2]);
    let shape = [rows, graph.channels(), height, width];
    let wave = Tensor::f_arange(shape.iter().product::<i64>(), (Kind::Double, Device::Cpu))?;
    wave.f_mul_scalar(0.618)?.f_sin()?.f_view(shape)?.f_to_kind(wide(kind))?.f_to_device(device)
}

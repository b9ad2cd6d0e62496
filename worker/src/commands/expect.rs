//! Predictions of images without noise, for a comparison with what the author of the weights has measured.

use std::io::Read;

use data::formats::{self, Options};
use data::preprocess;
use network::{Graph, target};
use protocol::expect::{Answer, Measured, Question};
use protocol::verify::MAX_REQUEST;
use sweep::group::Group;
use tch::{Device, Kind, Tensor};

use crate::device::Opened;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::libtorch::numerics::kind;
use crate::unit_error::UnitError;

/// Images in a batch.
const BATCH: usize = 8;

/// Answers the questions on standard input.
pub(super) fn answer(device: &Opened) -> Result<Vec<Answer>, Exit> {
    let mut text = String::new();
    let read = std::io::stdin().take(MAX_REQUEST).read_to_string(&mut text);
    read.map_err(|error| Exit::request(format!("standard input: {error}")))?;
    let questions: Vec<Question> =
        serde_json::from_str(&text).map_err(|error| Exit::request(format!("standard input: {error}")))?;
    let mut engine = Engine::new(device.device);
    let mut answers = Vec::new();
    for question in &questions {
        match measured(&mut engine, question, device.device) {
            Err(error) if error.is_sticky() => return Err(Exit::sticky(error.text())),
            answer => answers.push(answer.map_err(|error| error.text())),
        }
    }
    Ok(answers)
}

fn measured(engine: &mut Engine, Question { group, images }: &Question, device: Device) -> Result<Measured, UnitError> {
    let mut source =
        formats::open(&group.input.format, &group.input.images_file, &group.split, &Options::of_group(group))?;
    let (shape, labels) = (source.shape(), source.labels()?);
    let graph = engine.graph(group)?;
    // Nobody's maps are made of it: kernels need not show what they are worth.
    graph.lower_no_more("what is expected of a model is computed operation by operation");
    let mut measured = Measured { right: 0, logits: Vec::new() };
    for batch in images.chunks(BATCH) {
        let mut pixels = Vec::new();
        for index in batch {
            pixels.extend(preprocess::prepare(
                &group.preprocessing,
                &source.read(*index..index + 1)?,
                shape,
                group.shape[0],
            )?);
        }
        let logits = logits(graph, group, &pixels, device)?;
        let predicted = Vec::<i64>::try_from(&target::predicted(&logits)?)?;
        for (index, class) in batch.iter().zip(predicted) {
            measured.right += u64::from(labels.values.get(*index as usize * labels.width) == Some(&class));
        }
        if measured.logits.is_empty() {
            measured.logits = Vec::try_from(&logits.f_get(0)?)?;
        }
    }
    Ok(measured)
}

/// Logits `[n, classes]` of images `[n, c, h, w]`, on the host.
fn logits(graph: &Graph, group: &Group, pixels: &[f32], device: Device) -> Result<Tensor, UnitError> {
    let [c, h, w] = group.shape.map(|size| size as i64);
    let images = Tensor::f_from_slice(pixels)?.f_view([-1, c, h, w])?;
    let found = graph.forward(&images.f_to_device(device)?.f_to_kind(kind(group))?)?;
    Ok(found.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?)
}

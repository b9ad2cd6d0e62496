//! What a model makes of images as they are, to be compared with what the author of its weights has measured.

use std::io::Read;

use data::formats::{self, Options};
use data::preprocess;
use network::Graph;
use sweep::agreement::MAX_REQUEST;
use sweep::expect::{Answer, Measured, Question};
use sweep::group::Group;
use tch::{Device, Kind, Tensor};

use crate::compute::{Engine, kind};
use crate::device::Opened;
use crate::exit::Exit;
use crate::unit::UnitError;

/// Images that go through the model at once.
const BATCH: usize = 8;

/// The answer to each question on standard input.
pub(crate) fn answer(device: &Opened) -> Result<Vec<Answer>, Exit> {
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
    let mut source = formats::open(&group.format, &group.images_file, &group.split, Options::of_group(group))?;
    let (shape, labels) = (source.shape(), source.labels()?);
    let graph = engine.graph(group)?;
    // Nobody's maps are made of it: kernels need not show what they are worth.
    graph.lower_no_more("what is expected of a model is computed operation by operation");
    let mut measured = Measured { right: 0, logits: Vec::new() };
    for batch in images.chunks(BATCH) {
        let mut pixels = Vec::new();
        for index in batch {
            pixels.extend(preprocess::normalise(&source.read(*index..index + 1)?, shape, group.shape[0])?);
        }
        let logits = logits(graph, group, &pixels, device)?;
        for (index, logits) in batch.iter().zip(logits.chunks_exact(group.classes)) {
            let label = labels.values.get(*index as usize * labels.width);
            let largest = (0..logits.len()).rev().max_by(|a, b| logits[*a].total_cmp(&logits[*b]));
            measured.right += u64::from(largest.map(|class| class as i64).as_ref() == label);
        }
        if measured.logits.is_empty() {
            measured.logits.extend(logits.iter().take(group.classes));
        }
    }
    Ok(measured)
}

/// Logits of images `[n, c, h, w]`, one image after the other.
fn logits(graph: &Graph, group: &Group, pixels: &[f32], device: Device) -> Result<Vec<f32>, UnitError> {
    let [c, h, w] = group.shape.map(|size| size as i64);
    let images = Tensor::f_from_slice(pixels)?.f_view([-1, c, h, w])?;
    let found = graph.forward(&images.f_to_device(device)?.f_to_kind(kind(group))?)?;
    let found = found.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?;
    let mut logits = vec![0.0; found.numel()];
    found.f_copy_data(&mut logits, found.numel())?;
    Ok(logits)
}

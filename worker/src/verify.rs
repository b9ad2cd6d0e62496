//! Whether stored predictions are those of the stored images: the model is run on a few of them.
//!
//! A process of its own: whatever happens to it, a sweep that is under way does not notice.

use std::collections::BTreeMap;
use std::io::Read;

use store::{Shards, name};
use sweep::agreement::{Answer, Compared, MAX_REQUEST, Question, Request};
use sweep::group::Group;
use tch::{Device, Kind, Tensor};

use crate::compute::{Engine, kind};
use crate::device::Opened;
use crate::exit::Exit;
use crate::unit::UnitError;

/// Images that go through the model at once.
const BATCH: usize = 8;

/// A stored image and its stored logits.
struct Stored {
    index: u64,
    pixels: Vec<f32>,
    logits: Vec<f32>,
}

/// The answer to each question on standard input.
pub(crate) fn answer(device: &Opened) -> Result<Vec<Answer>, Exit> {
    let mut text = String::new();
    let read = std::io::stdin().take(MAX_REQUEST).read_to_string(&mut text);
    read.map_err(|error| Exit::request(format!("standard input: {error}")))?;
    let request: Request =
        serde_json::from_str(&text).map_err(|error| Exit::request(format!("standard input: {error}")))?;
    let mut engine = Engine::new(device.device);
    let mut answers = Vec::new();
    for question in &request.questions {
        let compared = compare(&mut engine, question, device.device);
        if let Err(error) = &compared
            && error.is_sticky()
        {
            return Err(Exit::sticky(error.text()));
        }
        answers.push(compared.map_err(|error| error.text()));
    }
    Ok(answers)
}

fn compare(engine: &mut Engine, question: &Question, device: Device) -> Result<Vec<Compared>, UnitError> {
    let group = &question.group;
    let stored = stored(group, &question.images)?;
    let graph = engine.graph(group)?;
    let mut compared = Vec::new();
    for batch in stored.chunks(BATCH) {
        let pixels: Vec<f32> = batch.iter().flat_map(|image| image.pixels.iter().copied()).collect();
        let [c, h, w] = group.shape.map(|size| size as i64);
        let images = Tensor::f_from_slice(&pixels)?.f_view([-1, c, h, w])?;
        let logits = graph.forward(&images.f_to_device(device)?.f_to_kind(kind(group))?)?;
        let logits = logits.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?;
        let mut computed = vec![0.0; logits.numel()];
        logits.f_copy_data(&mut computed, logits.numel())?;
        let of_images = computed.chunks(computed.len() / batch.len());
        compared.extend(batch.iter().zip(of_images).map(|(image, row)| Compared::new(image.index, &image.logits, row)));
    }
    Ok(compared)
}

/// The images of `indices` with their logits. Each shard is read once.
fn stored(group: &Group, indices: &[u64]) -> Result<Vec<Stored>, UnitError> {
    let mut by_shard: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for index in indices.iter().filter(|index| **index < group.images) {
        by_shard.entry(index / group.shard).or_default().push(*index);
    }
    let mut shards = Shards::open(group.store.clone(), String::new());
    let mut list = Vec::new();
    for (shard, indices) in by_shard {
        let range = group.range(shard);
        let images = shards.floats(name::IMAGES, shard, range.end - range.start)?;
        let logits = shards.floats(name::PREDICTIONS, shard, range.end - range.start)?;
        let row = |values: &[f32], index: u64| {
            let width = values.len() / (range.end - range.start) as usize;
            let at = (index - range.start) as usize * width;
            values[at..at + width].to_vec()
        };
        list.extend(indices.into_iter().map(|index| Stored {
            index,
            pixels: row(&images, index),
            logits: row(&logits, index),
        }));
    }
    Ok(list)
}

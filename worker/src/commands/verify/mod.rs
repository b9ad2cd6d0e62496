//! Whether stored predictions and maps are those of the stored images: the model is run on some of them again.
//!
//! The command is a process of its own: a sweep that is under way does not notice when the process is killed.

mod engines;
mod maps;
mod rounding;
mod stored;
mod tolerance;

use std::io::Read;

use protocol::verify::{Agreement, Answer, Compared, MAX_REQUEST, Question, Request};
use tch::{Device, Kind, Tensor};

use self::engines::Engines;
use self::stored::Stored;
use crate::device::Opened;
use crate::exit::Exit;
use crate::libtorch::numerics::kind;
use crate::unit_error::UnitError;

/// Images in a batch.
const BATCH: usize = 8;

/// Answers the questions on standard input.
pub(in crate::commands) fn answer(device: &Opened) -> Result<Vec<Answer>, Exit> {
    let mut text = String::new();
    let read = std::io::stdin().take(MAX_REQUEST).read_to_string(&mut text);
    read.map_err(|error| Exit::request(format!("standard input: {error}")))?;
    let request: Request =
        serde_json::from_str(&text).map_err(|error| Exit::request(format!("standard input: {error}")))?;
    let mut engines = Engines::new(device.device);
    let mut answers = Vec::new();
    for question in &request.questions {
        let compared = compare(&mut engines, question, device.device);
        if let Err(error) = &compared
            && error.is_sticky()
        {
            return Err(Exit::sticky(error.text()));
        }
        answers.push(compared.map_err(|error| error.text()));
    }
    Ok(answers)
}

fn compare(engines: &mut Engines, question: &Question, device: Device) -> Result<Agreement, UnitError> {
    let mut agreement = Agreement { predictions: predictions(engines, question, device)?, ..Agreement::default() };
    // Where predictions are wrong, so are the maps that explain them.
    if agreement.predictions.iter().all(Compared::agrees) {
        match maps::compare(engines, question, device, &mut agreement) {
            Err(error) if error.is_sticky() => return Err(error),
            Err(error) => agreement.left = Some(error.text()),
            Ok(()) => {}
        }
    }
    Ok(agreement)
}

fn predictions(engines: &mut Engines, question: &Question, device: Device) -> Result<Vec<Compared>, UnitError> {
    let group = &question.group;
    // A store of another program whose maps are all lacking has no variants, and predictions of the group's weights all the same.
    if group.has_own_weights() && !(question.is_theirs && group.variants.is_empty()) {
        // Other weights than those of the maps have predicted them.
        return Ok(Vec::new());
    }
    let mut stored = Stored::of(question)?;
    let (graph, precision) = (engines.own(group)?, group.numerics.precision);
    let images: Vec<u64> = question.images.iter().copied().filter(|index| *index < group.images).collect();
    let mut compared = Vec::new();
    for batch in images.chunks(BATCH) {
        let (mut pixels, mut logits) = (Vec::new(), Vec::new());
        for &index in batch {
            pixels.extend(stored.image(index)?);
            logits.push(stored.logits(index)?);
        }
        let [c, h, w] = group.shape.map(|size| size as i64);
        let images = Tensor::f_from_slice(&pixels)?.f_view([-1, c, h, w])?;
        let found = graph.forward(&images.f_to_device(device)?.f_to_kind(kind(group))?)?;
        let found = found.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?;
        let mut computed = vec![0.0; found.numel()];
        found.f_copy_data(&mut computed, found.numel())?;
        let rows = computed.chunks(computed.len() / batch.len());
        let rows = batch.iter().zip(&logits).zip(rows);
        compared.extend(rows.map(|((index, stored), row)| Compared::new(*index, stored, row, precision)));
    }
    Ok(compared)
}

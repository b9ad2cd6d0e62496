//! Sample of each store: a few images are made again from the dataset, and put through the model and its methods again by a
//! worker.

mod accuse;
mod drawing;
mod question;

use std::collections::BTreeMap;

use data::made;
use data::mean::MeanError;
use fleet::Worker;
use protocol::verify::{Question, Request};
use store::{Described, Shards, StoreError, name};
use sweep::group::Group;

use super::read::Read;
use crate::commands::survey::Survey;
use accuse::{accuse, judge};
pub(crate) use drawing::Sample;
use drawing::{drawn, sound_shards};
use question::question;

/// Tolerance of a pixel against what the dataset and the noise give: mathematical functions differ between machines.
const PIXEL: f32 = 1e-5;

/// Compares a sample of each store, and adds what is wrong to its findings. Sentences on what could not be compared are
/// returned.
pub(crate) fn compare(survey: &Survey, stores: &mut [Read<'_>], worker: &Worker, sample: Sample) -> Vec<String> {
    let mut unknown = Vec::new();
    let mut asked = Vec::new();
    for (index, read) in stores.iter_mut().enumerate() {
        let images = chosen(read, sample);
        if images.is_empty() {
            continue;
        }
        if let Err(reason) = compare_images(survey, read, &images) {
            unknown.push(format!("{}: images were not compared: {reason}", read.surveyed.name));
        }
        match question(survey, read, images, sample) {
            Ok((question, left)) => {
                asked.push((index, question));
                unknown.extend(left.map(|left| format!("{}: {left}", read.surveyed.name)));
            }
            Err(reason) => {
                unknown.push(format!("{}: predictions and maps were not compared: {reason}", read.surveyed.name));
            }
        }
    }
    if asked.is_empty() {
        return unknown;
    }
    let (indices, questions): (Vec<usize>, Vec<Question>) = asked.into_iter().unzip();
    match worker.verify(&Request { questions }, sample.threads) {
        Err(error) => unknown.push(format!("predictions and maps were not compared: {error}")),
        Ok(answers) => {
            for (index, answer) in indices.into_iter().zip(answers) {
                let left = answer.as_ref().ok().and_then(|found| found.left.clone());
                let judged = judge(&mut stores[index], answer);
                let name = &stores[index].surveyed.name;
                unknown.extend(left.map(|reason| format!("{name}: not all maps were compared: {reason}")));
                if let Err(reason) = judged {
                    unknown.push(format!("{name}: predictions and maps were not compared: {reason}"));
                }
            }
        }
    }
    unknown
}

/// Chooses the images of a sample: those with the smallest random numbers, of shards that exist and are sound.
fn chosen(read: &Read<'_>, sample: Sample) -> Vec<u64> {
    let group = &read.described.group;
    let images = sound_shards(read).into_iter().flat_map(|shard| group.range(shard)).collect();
    let mut images: Vec<u64> =
        drawn(group, images, sample, "verify").into_iter().take(sample.images as usize).collect();
    images.sort_unstable();
    images
}

/// Makes `images` from the dataset and compares them with the stored images. The error is one sentence.
fn compare_images(survey: &Survey, read: &mut Read<'_>, images: &[u64]) -> Result<(), String> {
    let Described { group, .. } = read.described;
    let mut source = read.surveyed.source(&survey.config)?;
    if source.content() != group.input.data {
        return Err("the dataset is not the one that the store was made of".to_owned());
    }
    let mut shards = Shards::open(group.store.clone(), String::new());
    let mut by_shard: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for image in images {
        by_shard.entry(image / group.shard).or_default().push(*image);
    }
    for (shard, images) in by_shard {
        let range = group.range(shard);
        let stored = shards.floats(name::IMAGES, shard, range.end - range.start).map_err(|error| error.to_string())?;
        let width = group.shape.iter().product::<usize>();
        for image in images {
            let pixels = source.read(image..image + 1).map_err(|error| error.to_string())?;
            let made = made::images::<MeanError>(group, &pixels, 0..1, (source.shape(), image));
            let made = made.map_err(|error| error.text())?;
            let at = (image - range.start) as usize * width;
            let same = stored[at..at + width].iter().zip(&made).all(|(stored, made)| (stored - made).abs() <= PIXEL);
            if !same || made.len() != width {
                accuse(read, shard, true, &format!("image {image} is not the one of the dataset"));
            }
            let known = source.predictions(image..image + 1).map_err(|error| error.to_string())?;
            let predicted =
                known.is_none_or(|known| logits_of(&mut shards, group, image).is_ok_and(|stored| stored == known));
            if !predicted {
                accuse(read, shard, false, &format!("predictions of image {image} are not those of its base"));
            }
        }
    }
    Ok(())
}

/// Stored logits of `image`.
fn logits_of(shards: &mut Shards, group: &Group, image: u64) -> Result<Vec<f32>, StoreError> {
    let range = group.range(image / group.shard);
    let logits = shards.floats(name::PREDICTIONS, image / group.shard, range.end - range.start)?;
    let at = (image - range.start) as usize * group.classes;
    Ok(logits.get(at..at + group.classes).unwrap_or_default().to_vec())
}

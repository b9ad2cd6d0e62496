//! What a store has, image by image: each shard of an array is read once for as long as its images are asked for.

use std::collections::HashMap;

use data::stored::{Rows, Stored as Theirs};
use network::target;
use protocol::verify::Question;
use store::{Shards, attribution, name};
use sweep::group::Group;
use tch::Tensor;

use crate::unit_error::UnitError;

/// Arrays of one store, a shard of each in memory.
pub(super) struct Stored<'a> {
    group: &'a Group,
    shards: Shards,
    /// The store of another program that is read instead, and its arrays that are open.
    theirs: Option<(Theirs, HashMap<String, Rows>)>,
    held: HashMap<String, (u64, Vec<f32>)>,
}

impl<'a> Stored<'a> {
    /// The store that `question` is about.
    pub(super) fn of(question: &'a Question) -> Result<Self, UnitError> {
        let group = &question.group;
        let theirs = question.is_theirs.then(|| Theirs::open(&group.input.images_file)).transpose()?;
        let theirs = theirs.map(|theirs| (theirs, HashMap::new()));
        Ok(Self { group, shards: Shards::open(group.store.clone(), String::new()), theirs, held: HashMap::new() })
    }

    /// Pixels `[c, h, w]` of image `index`.
    pub(super) fn image(&mut self, index: u64) -> Result<Vec<f32>, UnitError> {
        self.row(name::IMAGES, index)
    }

    /// Logits of an image.
    pub(super) fn logits(&mut self, index: u64) -> Result<Vec<f32>, UnitError> {
        self.row(name::PREDICTIONS, index)
    }

    /// Map of an image by the variant called `key`.
    pub(super) fn map(&mut self, key: &str, index: u64) -> Result<Vec<f32>, UnitError> {
        self.row(&attribution(key), index)
    }

    /// Forgets the maps of the variant called `key`.
    pub(super) fn forget(&mut self, key: &str) {
        self.held.remove(&attribution(key));
        if let Some((_, open)) = &mut self.theirs {
            open.remove(&attribution(key));
        }
    }

    fn row(&mut self, array: &str, index: u64) -> Result<Vec<f32>, UnitError> {
        if let Some((theirs, open)) = &mut self.theirs {
            let rows = match open.remove(array) {
                Some(rows) => rows,
                None => theirs.rows(array)?,
            };
            return Ok(open.entry(array.to_owned()).or_insert(rows).read(index..index + 1)?);
        }
        let shard = index / self.group.shard;
        let range = self.group.range(shard);
        let images = range.end - range.start;
        if self.held.get(array).is_none_or(|(held, _)| *held != shard) {
            let values = self.shards.maps(array, shard, images)?;
            self.held.insert(array.to_owned(), (shard, values));
        }
        let values = self.held.get(array).map(|(_, values)| values.as_slice()).unwrap_or_default();
        let width = values.len() / images.max(1) as usize;
        let at = (index - range.start) as usize * width;
        Ok(values[at..at + width].to_vec())
    }
}

/// Images of an existing shard, in the order in which their maps are compared.
pub(super) fn order(question: &Question) -> impl Iterator<Item = u64> + use<'_> {
    let others = question.shards.iter().flat_map(|shard| question.group.range(*shard));
    question.images.iter().copied().chain(others.filter(|image| !question.images.contains(image)))
}

/// Pixels of an `image` of the store, and the class `[1]` that the stored logits predict: what its maps explain.
pub(super) fn explained(stored: &mut Stored<'_>, image: u64) -> Result<(Vec<f32>, Tensor), UnitError> {
    let (pixels, logits) = (stored.image(image)?, stored.logits(image)?);
    Ok((pixels, target::predicted(&Tensor::f_from_slice(&logits)?.f_view([1, -1])?)?))
}

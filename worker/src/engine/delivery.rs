//! Delivery of a round: the maps of each batch that were given to the next stage, and what was found on the way.
//!
//! Maps leave as soon as they are made, those of a GPU while it makes the next ones. So a batch that runs out of memory
//! in the middle is tried again for those variants only whose maps are still missing.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use attribution::{Attribution, Pass};
use store::{Completeness, name};
use sweep::computed_by::Path;
use sweep::group::{Dtype, Group};
use tch::{Device, Kind, TchError, Tensor};

use super::arriving::{Maps, Numbers, finite};
use super::computed_by;
use super::leaving::Leaving;
use super::rounds::Round;
use crate::device::traffic::Traffic;
use crate::stages::computed::Computed;
use crate::unit_error::UnitError;

/// Progress of a round.
pub(crate) struct Delivery<'a, 'q> {
    pub(crate) round: &'a Round<'a>,
    pub(crate) leaving: &'a mut Leaving<'q>,
    /// Number of images for each part whose maps are given away or leaving.
    given: Vec<i64>,
    /// Logits `[n, classes]` of each batch so far, on the device, where the logits were not known before.
    logits: Vec<Tensor>,
    /// Number of images that have logits.
    predicted: i64,
    classes: usize,
    /// Type of the maps in the store.
    dtype: Dtype,
    /// Graphs that have made maps: two where the lowered graph was given up on the way.
    pub(crate) paths: BTreeSet<Path>,
    gathered: Rc<RefCell<Gathered>>,
}

/// Numbers of a round that go to the store when the round has ended.
#[derive(Default)]
struct Gathered {
    /// Convergence deltas of each variant, part after part.
    completeness: Vec<Option<Completeness>>,
    /// Logits `[n, classes]` of the images so far, where the logits were not known before.
    logits: Vec<f32>,
}

impl<'a, 'q> Delivery<'a, 'q> {
    pub(crate) fn new(round: &'a Round<'a>, group: &Group, leaving: &'a mut Leaving<'q>) -> Self {
        let completeness = round.variants().map(|_| None).collect();
        Self {
            round,
            leaving,
            given: vec![0; round.parts.len()],
            logits: Vec::new(),
            predicted: 0,
            classes: group.classes.max(1),
            dtype: group.numerics.dtype,
            paths: BTreeSet::new(),
            gathered: Rc::new(RefCell::new(Gathered { completeness, logits: Vec::new() })),
        }
    }

    /// Number of images, at most `here` from `start` on, of which each part has given away all or none.
    pub(crate) fn even(&self, here: i64, start: i64) -> i64 {
        let ends = self.given.iter().copied().chain([self.predicted]).filter(|end| *end > start);
        ends.map(|end| end - start).min().map_or(here, |least| here.min(least))
    }

    /// Logits of `size` images from `start` on, on the device, if an earlier try has found them.
    pub(crate) fn logits(&self, (start, size): (i64, i64)) -> Result<Option<Tensor>, TchError> {
        if self.predicted < start + size {
            return Ok(None);
        }
        Ok(Some(self.all_logits()?.f_narrow(0, start, size)?))
    }

    /// Logits of all images so far, on the device.
    pub(crate) fn all_logits(&self) -> Result<Tensor, TchError> {
        Tensor::f_cat(&self.logits, 0)
    }

    /// Takes the `logits` of the next images, the first of which is image `first` of its split.
    pub(crate) fn predicted(&mut self, logits: &Tensor, first: u64) -> Result<(), UnitError> {
        let logits = logits.f_to_kind(Kind::Float)?;
        let found = Numbers::leave(&logits, self.leaving.traffic)?;
        let (gathered, classes) = (Rc::clone(&self.gathered), self.classes);
        self.leaving.leave(Box::new(move |_| {
            let values = found.floats()?;
            finite(&values, classes, || name::PREDICTIONS.to_owned(), first)?;
            gathered.borrow_mut().logits.extend(values);
            Ok(())
        }))?;
        self.predicted += logits.size().first().copied().unwrap_or(0);
        self.logits.push(logits);
        self.leaving.deliver_old()
    }

    /// Computes part `at` of `here` images from `start` on, unless the part is given away. The shard begins with image `shard`.
    pub(crate) fn part(
        &mut self,
        at: usize,
        pass: &Pass<'_>,
        (start, here): (i64, i64),
        shard: u64,
    ) -> Result<(), UnitError> {
        if self.given[at] >= start + here {
            return Ok(());
        }
        let part = &self.round.parts[at];
        let leave = |attribution: &Attribution| Found::of(attribution, self.dtype, self.leaving.traffic);
        // Nothing after this takes memory of the device: all maps go away, or none.
        let found = part.attribute(pass)?.iter().map(leave).collect::<Result<Vec<_>, _>>()?;
        let (keys, gathered) = (part.variants.iter().map(|variant| variant.key.clone()), Rc::clone(&self.gathered));
        let (keys, first): (Vec<String>, u64) = (keys.collect(), shard + start as u64);
        let before: usize = self.round.parts[..at].iter().map(|part| part.variants.len()).sum();
        self.leaving.leave(Box::new(move |emit| {
            for (variant, (key, found)) in (before..).zip(keys.into_iter().zip(found)) {
                found.complete(&mut gathered.borrow_mut().completeness[variant], &key, first)?;
                found.give(&key, first, emit)?;
            }
            Ok(())
        }))?;
        self.given[at] = start + here;
        self.leaving.deliver_old()
    }

    /// All images are done: says so of every variant, and of the images if they were given away, and gives the logits. What has
    /// computed the maps comes before their ends, so that the store says it before it has one of them.
    pub(crate) fn end(self, device: Device, (images, predictions): (bool, bool)) -> Result<(), UnitError> {
        let keys: Vec<String> = self.round.variants().map(|variant| variant.key.clone()).collect();
        let (paths, gathered) = (self.paths, self.gathered);
        self.leaving.leave(Box::new(move |emit| {
            if images {
                emit(Computed::ImagesEnd);
            }
            for path in paths {
                let device = computed_by::of(path, device);
                emit(Computed::Act(Box::new(move |_, shards| Ok(shards.note_device(&device)?))));
            }
            let Gathered { completeness, logits } = gathered.take();
            // A worker that ends in between must not leave maps whose predictions are made anew.
            if predictions {
                emit(Computed::Floats { array: name::PREDICTIONS, values: logits });
            }
            for (key, completeness) in keys.into_iter().zip(completeness) {
                emit(Computed::MapsEnd { key, completeness });
            }
            Ok(())
        }))?;
        self.leaving.deliver_old()
    }
}

/// Map for the images of one batch, in the host's memory once the mark behind its part is reached.
struct Found {
    maps: Maps,
    /// Deltas and changes of a complete method.
    complete: Option<(Numbers, Numbers)>,
}

impl Found {
    fn of(attribution: &Attribution, dtype: Dtype, traffic: &Traffic) -> Result<Self, UnitError> {
        let complete = match (attribution.delta()?, &attribution.change) {
            (Some(delta), Some(change)) => Some((Numbers::leave(&delta, traffic)?, Numbers::leave(change, traffic)?)),
            _ => None,
        };
        Ok(Self { maps: Maps::leave(&attribution.map, dtype, traffic)?, complete })
    }

    /// Gives the map of each image to `emit`; the first one is image `first` of its split.
    fn give(&self, key: &str, first: u64, emit: &mut dyn FnMut(Computed)) -> Result<(), UnitError> {
        self.maps.give(key, first, &mut |values| emit(Computed::Map { key: key.to_owned(), values }))
    }

    /// Appends the convergence deltas of the batch to `all`.
    fn complete(&self, all: &mut Option<Completeness>, key: &str, first: u64) -> Result<(), UnitError> {
        let Some((deltas, changes)) = &self.complete else { return Ok(()) };
        let (deltas, changes) = (&deltas.floats()?, &changes.floats()?);
        finite(deltas, 1, || format!("the convergence delta of {key}"), first)?;
        finite(changes, 1, || format!("the change that {key} explains"), first)?;
        let all = all.get_or_insert_default();
        all.deltas.extend(deltas);
        all.changes.extend(changes);
        Ok(())
    }
}

//! Delivery of a round: the maps of each batch that were given to the next stage, and what was found on the way.
//!
//! Maps leave as soon as they are made, those of a GPU while it makes the next ones. So a batch that runs out of memory
//! in the middle is tried again for those variants only whose maps are still missing.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use attribution::{Attribution, Pass};
use store::{Completeness, name};
use sweep::computed_by::Path;
use tch::{Device, Kind, Tensor};

use super::computed_by;
use super::rounds::Round;
use crate::libtorch::event::Event;
use crate::stages::computed::Computed;
use crate::unit_error::UnitError;

/// Progress of a round.
pub(crate) struct Delivery<'a> {
    pub(crate) round: &'a Round<'a>,
    emit: &'a mut dyn FnMut(Computed),
    /// Number of images for each part whose maps are given away or leaving.
    given: Vec<i64>,
    /// Maps that are on their way from the device.
    leaving: VecDeque<Leaving>,
    /// Convergence deltas of each variant, part after part.
    completeness: Vec<Option<Completeness>>,
    classes: usize,
    /// Graphs that have made maps: two where the lowered graph was given up on the way.
    pub(crate) paths: BTreeSet<Path>,
    /// Logits `[n, classes]` of the images so far, where the logits were not known before.
    logits: Vec<f32>,
    /// Time for which the next stage was waited for.
    pub(crate) waited: Duration,
}

impl<'a> Delivery<'a> {
    pub(crate) fn new(round: &'a Round<'a>, classes: usize, emit: &'a mut dyn FnMut(Computed)) -> Self {
        let completeness = round.variants().map(|_| None).collect();
        let (given, waited) = (vec![0; round.parts.len()], Duration::ZERO);
        let (leaving, paths, classes) = (VecDeque::new(), BTreeSet::new(), classes.max(1));
        Self { round, emit, given, leaving, completeness, classes, paths, logits: Vec::new(), waited }
    }

    /// Number of images, at most `here` from `start` on, of which each part has given away all or none.
    pub(crate) fn even(&self, here: i64, start: i64) -> i64 {
        let predicted = (self.logits.len() / self.classes) as i64;
        let ends = self.given.iter().copied().chain([predicted]).filter(|end| *end > start);
        ends.map(|end| end - start).min().map_or(here, |least| here.min(least))
    }

    /// Logits of `size` images from `start` on, if an earlier try has found them.
    pub(crate) fn logits(&self, (start, size): (i64, i64)) -> Option<&[f32]> {
        self.logits.get(start as usize * self.classes..(start + size) as usize * self.classes)
    }

    /// Takes the logits of the next images, the first of which is image `first` of its split.
    pub(crate) fn predicted(&mut self, logits: &Tensor, first: u64) -> Result<(), UnitError> {
        let values = values(logits)?;
        finite(&values, self.classes, || name::PREDICTIONS.to_owned(), first)?;
        self.logits.extend(values);
        Ok(())
    }

    /// Gives `computed` to the next stage.
    pub(crate) fn give(&mut self, computed: Computed) {
        let started = Instant::now();
        (self.emit)(computed);
        self.waited += started.elapsed();
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
        let device = pass.images().device();
        let mut found = Vec::new();
        // Nothing after this takes memory of the device: all maps go away, or none.
        let marked = part.attribute(pass)?.iter().try_for_each(|attribution| {
            found.push(Found::of(attribution)?);
            Ok(())
        });
        let (found, event) = held(found, marked.and_then(|()| Ok(Event::record(device)?)))?;
        self.leaving.push_back(Leaving { part: at, first: shard + start as u64, found, event });
        self.given[at] = start + here;
        self.deliver(if device == Device::Cpu { 0 } else { ON_THE_WAY })
    }

    /// Gives away the maps that were found, but for the last `still` parts, which the device may still compute.
    pub(crate) fn deliver(&mut self, still: usize) -> Result<(), UnitError> {
        while self.leaving.len() > still {
            let Some(next) = self.leaving.front() else { break };
            next.event.wait()?;
            let Some(Leaving { part, first, found, .. }) = self.leaving.pop_front() else { break };
            let before: usize = self.round.parts[..part].iter().map(|part| part.variants.len()).sum();
            for (index, (variant, found)) in self.round.parts[part].variants.iter().zip(found).enumerate() {
                found.complete(&mut self.completeness[before + index], &variant.key, first)?;
                for image in 0..found.map.size()[0] {
                    let values = values(&found.map.f_select(0, image)?)?;
                    finite(&values, values.len(), || variant.key.clone(), first + image as u64)?;
                    self.give(Computed::Map { key: variant.key.clone(), values });
                }
            }
        }
        Ok(())
    }

    /// Leaves what is on its way alone if `outcome` is that the device is lost (see [`held`]).
    pub(crate) fn ended(&mut self, outcome: Result<(), UnitError>) -> Result<(), UnitError> {
        let leaving = std::mem::take(&mut self.leaving);
        (self.leaving, ()) = held(leaving, outcome)?;
        Ok(())
    }

    /// All images are done: says so of every variant, and of the images if they were given away; gives the logits. What has
    /// computed the maps comes before their ends, so that the store says it before it has one of them.
    pub(crate) fn end(mut self, device: Device, images: bool) -> Vec<f32> {
        if images {
            self.give(Computed::ImagesEnd);
        }
        for path in std::mem::take(&mut self.paths) {
            let device = computed_by::of(path, device);
            self.give(Computed::Act(Box::new(move |_, shards| Ok(shards.note_device(&device)?))));
        }
        let round = self.round;
        for (variant, completeness) in round.variants().zip(std::mem::take(&mut self.completeness)) {
            self.give(Computed::MapsEnd { key: variant.key.clone(), completeness });
        }
        self.logits
    }
}

/// Number of parts whose maps a GPU may still make or copy while the next part is asked for.
const ON_THE_WAY: usize = 1;

/// Maps of a part of the round, of the images from `first` of their split on.
struct Leaving {
    part: usize,
    first: u64,
    found: Vec<Found>,
    /// Event behind the copy of the last map.
    event: Event,
}

/// Map for the images of one batch, in the host's memory once the event of the part is reached.
struct Found {
    map: Tensor,
    /// Deltas and changes of a complete method.
    complete: Option<(Tensor, Tensor)>,
}

impl Found {
    fn of(attribution: &Attribution) -> Result<Self, UnitError> {
        let complete = match (attribution.delta()?, &attribution.change) {
            (Some(delta), Some(change)) => Some(held(leaving(&delta)?, leaving(change))?),
            _ => None,
        };
        let (complete, map) = held(complete, leaving(&attribution.map))?;
        Ok(Self { map, complete })
    }

    /// Appends the convergence deltas of the batch to `all`.
    fn complete(&self, all: &mut Option<Completeness>, key: &str, first: u64) -> Result<(), UnitError> {
        let Some((deltas, changes)) = &self.complete else { return Ok(()) };
        let (deltas, changes) = (&values(deltas)?, &values(changes)?);
        finite(deltas, 1, || format!("the convergence delta of {key}"), first)?;
        finite(changes, 1, || format!("the change that {key} explains"), first)?;
        let all = all.get_or_insert_default();
        all.deltas.extend(deltas);
        all.changes.extend(changes);
        Ok(())
    }
}

/// `values` in single precision, in the host's memory and one after the other.
pub(crate) fn host(values: &Tensor) -> Result<Tensor, UnitError> {
    Ok(values.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?)
}

/// Values on their way to the host, without waiting for a GPU: they are there once an [`Event`] that comes after is reached.
fn leaving(values: &Tensor) -> Result<Tensor, UnitError> {
    Ok(values.f_to_kind(Kind::Float)?.f_contiguous()?.f_to_device_(Device::Cpu, Kind::Float, true, false)?)
}

/// Values of a tensor in the host's memory.
fn values(of: &Tensor) -> Result<Vec<f32>, UnitError> {
    let mut values = vec![0.0; of.numel()];
    of.f_copy_data(&mut values, of.numel())?;
    Ok(values)
}

/// `what` lies in pinned memory, together with what came of `outcome`; never freed where the device is lost.
///
/// To free it libtorch asks the device for an event. Where that fails it throws out of a destructor: the process would
/// abort before it has told what happened, and in place of the exit code that says so.
fn held<T, U>(what: T, outcome: Result<U, UnitError>) -> Result<(T, U), UnitError> {
    match outcome {
        Ok(more) => Ok((what, more)),
        Err(error) => {
            if error.is_sticky() {
                std::mem::forget(what);
            }
            Err(error)
        }
    }
}

/// Refuses values that are not finite, `each` an image, the first of which is image `first` of its split.
fn finite(values: &[f32], each: usize, what: impl Fn() -> String, first: u64) -> Result<(), UnitError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(UnitError::NotFinite { what: what(), image: first + (at / each.max(1)) as u64 }),
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use tch::TchError;

    use super::*;

    #[test]
    fn what_is_pinned_is_freed_after_any_error_but_that_the_device_is_lost() {
        let cases = [("CUDA error: an illegal memory access was encountered", 2), ("CUDA out of memory.", 1)];
        for (text, left) in cases {
            let what = Rc::new(());
            let outcome: Result<(), UnitError> = Err(TchError::Torch(text.to_owned()).into());
            assert!(held(Rc::clone(&what), outcome).is_err_and(|error| error.text().ends_with(text)));
            assert_eq!(Rc::strong_count(&what), left, "{text}");
        }
        assert!(held(7, Ok(8)).is_ok_and(|both| both == (7, 8)));
    }
}

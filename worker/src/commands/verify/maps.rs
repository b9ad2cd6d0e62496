//! Whether stored maps are those of the stored images: some are computed again, operation by operation.
//!
//! The plain graph computes them, so that no kernel of ours is its own witness. A map that is not within the rounding of its type is
//! computed in double precision too, and compared as `tolerance` says.

use std::time::Instant;

use attribution::{Known, Origin, Pass, Together};
use network::Graph;
use protocol::verify::{Agreement, Question, RoughMap, WrongMap};
use store::Ledger;
use sweep::group::{Group, Precision};
use sweep::variant::Variant;
use tch::{Device, Kind, Tensor};

use super::engines::Engines;
use super::rounding::{is_near, of_peak, rounded, values};
use super::stored::{Stored, explained, order};
use super::tolerance::{self, apart};
use crate::libtorch::numerics::kind;
use crate::stages::reader::Reader;
use crate::unit_error::UnitError;

/// Rows in a batch, for methods with several points an image.
const ROWS: i64 = 16;

/// Time of a map in double precision, in those of the same map in single precision.
const DOUBLE: f64 = 2.5;

/// Computes maps of `question` again, one of each variant at least, and adds what was found to `agreement`.
pub(super) fn compare(
    engines: &mut Engines,
    question: &Question,
    device: Device,
    agreement: &mut Agreement,
) -> Result<(), UnitError> {
    let group = &question.group;
    // Another program's store has every map that is asked for.
    let ledger = if question.is_theirs { None } else { Some(Ledger::read(group)?) };
    let mut stored = Stored::of(question)?;
    let mean = Reader::default().mean(group)?;
    let started = Instant::now();
    let known = [Known::default(), Known::default()];
    let mut again =
        Again { group, ledger: ledger.as_ref(), mean: mean.as_deref(), device, seed: group.numerics.seed, known };
    let mut parts = Vec::new();
    for part in Together::of(group.variants.iter())? {
        let is_there = |image: &u64| part.variants.iter().any(|variant| again.has(variant, *image));
        let mut images = order(question).filter(is_there).collect::<Vec<_>>().into_iter();
        let Some(first) = images.next() else { continue };
        let began = Instant::now();
        again.compare(engines, &part, first, &mut stored, agreement)?;
        part.variants.iter().for_each(|variant| stored.forget(&variant.key));
        parts.push((began.elapsed(), part, first, images));
    }
    // What takes little is compared first: the time that it leaves is for the rest.
    parts.sort_by_key(|(cost, ..)| *cost);
    let count = parts.len();
    for (at, (cost, part, first, images)) in parts.into_iter().enumerate() {
        let left = question.seconds - started.elapsed().as_secs_f64();
        let (began, share) = (Instant::now(), left / (count - at) as f64);
        if group.numerics.precision == Precision::Float32 && DOUBLE * cost.as_secs_f64() < share {
            again.roughness(engines, &part, first, &mut stored, agreement)?;
        }
        for image in images.take_while(|_| began.elapsed().as_secs_f64() < share) {
            again.compare(engines, &part, image, &mut stored, agreement)?;
        }
        part.variants.iter().for_each(|variant| stored.forget(&variant.key));
    }
    Ok(())
}

/// A group whose maps are computed again.
struct Again<'a> {
    group: &'a Group,
    /// Maps of the store; `None` where it has all, of another program whose seed is not known.
    ledger: Option<&'a Ledger>,
    mean: Option<&'a [f32]>,
    device: Device,
    seed: u64,
    /// Passes of baselines, in both precisions.
    known: [Known; 2],
}

impl Again<'_> {
    /// Whether the store has the map of `image` by `variant`.
    fn has(&self, variant: &Variant, image: u64) -> bool {
        self.ledger.is_none_or(|ledger| ledger.has_variant(self.group, variant, image / self.group.shard))
    }

    /// Whether another seed gives another map, for each of the maps `single` of `part`: in a store whose seed is not known,
    /// such a map has nothing to be compared with.
    fn depend_on_seed(
        &mut self,
        engines: &mut Engines,
        part: &Together<'_>,
        (image, pixels, target): (u64, &[f32], &Tensor),
        single: &[Vec<f32>],
    ) -> Result<Vec<bool>, UnitError> {
        if self.ledger.is_some() {
            return Ok(vec![false; single.len()]);
        }
        let own = part.variants[0].weights.as_ref();
        self.known[0] = Known::default();
        self.seed ^= 1;
        let other = engines.own(&self.group.with_weights(own));
        let other = other.and_then(|graph| self.maps(graph, part, (image, pixels, target), 0));
        self.seed ^= 1;
        self.known[0] = Known::default();
        let dtype = self.group.numerics.dtype;
        Ok(other?.iter().zip(single).map(|(other, map)| !is_near(other, map, dtype)).collect())
    }

    /// Compares the maps of `image` of all variants of `part`.
    fn compare(
        &mut self,
        engines: &mut Engines,
        part: &Together<'_>,
        image: u64,
        stored: &mut Stored<'_>,
        agreement: &mut Agreement,
    ) -> Result<(), UnitError> {
        let own = part.variants[0].weights.as_ref();
        if own.is_some() {
            // What is known of baselines is so by other weights.
            self.known = [Known::default(), Known::default()];
        }
        let (pixels, target) = explained(stored, image)?;
        let single = self.maps(engines.own(&self.group.with_weights(own))?, part, (image, &pixels, &target), 0)?;
        let seeded = self.depend_on_seed(engines, part, (image, &pixels, &target), &single)?;
        let mut settled: Option<(Vec<Vec<f32>>, Vec<f32>)> = None;
        for (at, variant) in part.variants.iter().enumerate() {
            if !self.has(variant, image) {
                continue;
            }
            if seeded[at] {
                if !agreement.seeded.contains(&variant.key) {
                    agreement.seeded.push(variant.key.clone());
                }
                continue;
            }
            // A file that cannot be read was found already.
            let Ok(there) = stored.map(&variant.key, image) else { continue };
            agreement.maps += 1;
            if is_near(&there, &single[at], self.group.numerics.dtype) {
                continue;
            }
            let (exact, moved) = match &mut settled {
                Some(settled) => settled,
                none => none.insert(self.settled(engines, part, (image, &pixels, &target), &single)?),
            };
            let accepted = tolerance::accepted(self.group.numerics.precision, moved[at]);
            let off = apart(&there, &rounded(&exact[at], self.group.numerics.dtype)?);
            if off.is_nan() || off > accepted {
                agreement.wrong.push(wrong(variant, image, off, accepted));
            }
        }
        Ok(())
    }

    /// Notes which maps of `image` single precision has moved by more than anybody expects.
    fn roughness(
        &mut self,
        engines: &mut Engines,
        part: &Together<'_>,
        image: u64,
        stored: &mut Stored<'_>,
        agreement: &mut Agreement,
    ) -> Result<(), UnitError> {
        let own = part.variants[0].weights.as_ref();
        if own.is_some() {
            self.known = [Known::default(), Known::default()];
        }
        let (pixels, target) = explained(stored, image)?;
        let exact = self.maps(engines.double(&self.group.with_weights(own))?, part, (image, &pixels, &target), 1)?;
        for (variant, exact) in part.variants.iter().zip(&exact) {
            let is_wrong = agreement.wrong.iter().any(|wrong| wrong.key == variant.key && wrong.image == image);
            if is_wrong || agreement.seeded.contains(&variant.key) || !self.has(variant, image) {
                continue;
            }
            // A file that cannot be read was found already.
            let Ok(there) = stored.map(&variant.key, image) else { continue };
            let dtype = self.group.numerics.dtype;
            let off = of_peak(&there, &rounded(exact, dtype)?, dtype);
            if off > RoughMap::TOLERANCE {
                agreement.rough.push(RoughMap { key: variant.key.clone(), image, off });
            }
        }
        Ok(())
    }

    /// The maps of one image in double precision, and how far rounding moves each map in that of the group, of its length.
    fn settled(
        &mut self,
        engines: &mut Engines,
        part: &Together<'_>,
        (image, pixels, target): (u64, &[f32], &Tensor),
        single: &[Vec<f32>],
    ) -> Result<(Vec<Vec<f32>>, Vec<f32>), UnitError> {
        let group = self.group.with_weights(part.variants[0].weights.as_ref());
        let exact = self.maps(engines.double(&group)?, part, (image, pixels, target), 1)?;
        let mut moved: Vec<f32> = single.iter().zip(&exact).map(|(single, exact)| apart(single, exact)).collect();
        let graph = engines.own(&group)?;
        for nudged in tolerance::nudged(pixels, self.group.numerics.precision) {
            // What is known of baselines may be of the image.
            self.known[0] = Known::default();
            let maps = self.maps(graph, part, (image, &nudged, target), 0)?;
            for ((moved, map), exact) in moved.iter_mut().zip(&maps).zip(&exact) {
                *moved = moved.max(apart(map, exact));
            }
        }
        self.known[0] = Known::default();
        Ok((exact, moved))
    }

    /// Maps of one image by each variant of `part`.
    fn maps(
        &self,
        graph: &Graph,
        part: &Together<'_>,
        (image, pixels, target): (u64, &[f32], &Tensor),
        precision: usize,
    ) -> Result<Vec<Vec<f32>>, UnitError> {
        let kind = if precision == 1 { Kind::Double } else { kind(self.group) };
        let [c, h, w] = self.group.shape.map(|size| size as i64);
        let of = |values: &[f32]| {
            Tensor::f_from_slice(values)?.f_view([1, c, h, w])?.f_to_kind(kind)?.f_to_device(self.device)
        };
        let mean = self.mean.map(of).transpose()?;
        let origin = Origin {
            seed: self.seed,
            dataset: (self.group.dataset.as_str(), self.group.split.as_str()),
            first: self.group.original(image),
            chosen: None,
            mean: mean.as_ref(),
            known: Some(&self.known[precision]),
        };
        let pass = Pass::new(graph, of(pixels)?, target.f_to_device(self.device)?, ROWS, origin);
        let maps = part.attribute(&pass)?;
        maps.iter().map(|attribution| Ok(values(&attribution.map)?)).collect()
    }
}

fn wrong(variant: &Variant, image: u64, off: f32, accepted: f32) -> WrongMap {
    WrongMap { key: variant.key.clone(), image, off: off.is_finite().then_some(off), accepted }
}

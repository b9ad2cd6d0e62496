//! Evaluation of one shard: each map is read from the store and measured there, so that a score can be checked by anybody.

mod asked;
mod models;
mod scoring;

use std::time::Instant;

use evaluation::{Family, MeasureError, Randomised, Subject, families};
use network::Graph;
use store::{Data, Shards, attribution, measurement};
use sweep::evaluation::{Measurement, Of};
use sweep::group::Group;
use sweep::seed::Draw;
use sweep::variant::Variant;
use tch::Device;

use self::asked::Asked;
use super::{Computation, Engine, computed_by};
use crate::stages::computed::Computed;
use crate::stages::reader::Shard;
use crate::unit_error::UnitError;

impl Engine {
    /// Measures what the store lacks of the evaluation of `shard`, and gives it to `emit`; ends early once `stop` says so between two
    /// images.
    pub(crate) fn evaluate(
        &mut self,
        group: &Group,
        shard: &Shard,
        stop: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Computed),
    ) -> Result<Computation, UnitError> {
        let (started, device) = (Instant::now(), self.device);
        let subjects = std::iter::once(None).chain(group.variants.iter().map(Some));
        let mut noted = None;
        for variant in subjects {
            let missing = missing(group, variant, shard)?;
            if missing.is_empty() {
                continue;
            }
            // A model that is not asked is not loaded.
            let is_asked = missing.iter().any(|(measurement, family)| {
                let cost = family.cost(&measurement.parameters, group.shape);
                cost.passes > 0 || cost.maps > 0
            });
            let graph = if is_asked { Some(self.graph(group)?) } else { None };
            let run = Run { group, shard, variant, graph, device, model: 0, has_forgotten: false };
            let measured = run.by_all_models(&missing, stop)?;
            if let Some(path) = graph.map(Graph::path).filter(|path| noted.replace(*path) != Some(*path)) {
                let device = computed_by::of(path, device);
                emit(Computed::Act(Box::new(move |_, shards| Ok(shards.note_device(&device)?))));
            }
            for ((measurement_of, _), values) in missing.iter().zip(measured) {
                let array = measurement(&measurement_of.key, variant.map(|variant| variant.key.as_str()));
                let index = shard.index;
                emit(Computed::Act(Box::new(move |_, shards| Ok(shards.put(&array, index, Data::Float32(values))?))));
            }
        }
        let (ledger, index) = (shard.ledger.clone(), shard.index);
        emit(Computed::Act(Box::new(move |group, shards| scoring::write(group, shards, &ledger, index))));
        self.keep_proofs();
        let mut done = Computation { computing: started.elapsed(), ..Computation::default() };
        done.images = shard.pixels.took();
        Ok(done)
    }
}

/// Measurement that the store lacks, and its family.
type Missing<'a> = (&'a Measurement, &'static dyn Family);

/// Measurements of the maps of `variant`, or of the images alone, that the store lacks of `shard`.
fn missing<'a>(group: &'a Group, variant: Option<&Variant>, shard: &Shard) -> Result<Vec<Missing<'a>>, UnitError> {
    let is_asked = |measurement: &&Measurement| match variant {
        None => measurement.of == Of::Image,
        Some(variant) => measurement.of.has(variant),
    };
    let array = |key: &str| measurement(key, variant.map(|variant| variant.key.as_str()));
    let lacks = |measurement: &&Measurement| !shard.ledger.has(&array(&measurement.key), shard.index);
    let lacking = group.evaluation.measurements.iter().filter(is_asked).filter(lacks);
    let with_family = |measurement: &'a Measurement| {
        let unknown = || UnitError::UnknownFamily { family: measurement.family.clone() };
        Ok((measurement, families::find(&measurement.family).ok_or_else(unknown)?))
    };
    lacking.map(with_family).collect()
}

/// Measuring of the maps of one variant, or of the images alone.
#[derive(Clone, Copy)]
struct Run<'a> {
    group: &'a Group,
    shard: &'a Shard,
    variant: Option<&'a Variant>,
    graph: Option<&'a Graph>,
    device: Device,
    /// Number of the model that is asked, among those of a family.
    model: usize,
    /// Whether that is another model than that of the group.
    has_forgotten: bool,
}

impl Run<'_> {
    /// Values of each of `missing`, image after image: those that ask the model of the group together, the others one by one, with one
    /// model after the other, of which one is held at a time.
    fn by_all_models(&self, missing: &[Missing<'_>], stop: &dyn Fn() -> bool) -> Result<Vec<Vec<f32>>, UnitError> {
        let models: Vec<_> = missing.iter().map(|(of, family)| family.models(&of.parameters)).collect();
        let is_plain = |models: &Vec<Option<Randomised>>| models.iter().all(Option::is_none);
        let plain: Vec<Missing<'_>> =
            missing.iter().zip(&models).filter(|(_, models)| is_plain(models)).map(|(missing, _)| *missing).collect();
        let mut together = self.measured(&plain, stop)?.into_iter();
        let values = |(missing, models): (&Missing<'_>, &Vec<Option<Randomised>>)| {
            if is_plain(models) {
                Ok(together.next().unwrap_or_default())
            } else {
                self.by_models(missing, models, stop)
            }
        };
        missing.iter().zip(&models).map(values).collect()
    }

    /// Values of one measurement by each of `models`, image after image.
    fn by_models(
        &self,
        missing: &Missing<'_>,
        models: &[Option<Randomised>],
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<f32>, UnitError> {
        let mut by_model = Vec::new();
        for (model, choice) in models.iter().enumerate() {
            let drawn = match (self.graph, choice) {
                (Some(graph), Some(choice)) => Some(models::randomised(graph, (self.group, self.device), *choice)?),
                _ => None,
            };
            let has_forgotten = drawn.is_some();
            let run = Run { graph: drawn.as_ref().or(self.graph), model, has_forgotten, ..*self };
            by_model.extend(run.measured(std::slice::from_ref(missing), stop)?);
        }
        let images = self.shard.pixels.len();
        let of_image = |values: &Vec<f32>, image: usize| {
            let width = values.len() / images.max(1);
            values[image * width..(image + 1) * width].to_vec()
        };
        Ok((0..images).flat_map(|image| by_model.iter().flat_map(move |values| of_image(values, image))).collect())
    }

    /// Values of each of `missing`, image after image.
    fn measured(&self, missing: &[Missing<'_>], stop: &dyn Fn() -> bool) -> Result<Vec<Vec<f32>>, UnitError> {
        let Self { group, shard, variant, .. } = *self;
        let (classes, logits) = (group.classes.max(1), shard.predictions.as_deref().unwrap_or_default());
        let mut stored = Shards::open(group.store.clone(), String::new());
        let mut asked = Asked::new(self.graph, (group, self.device), variant, shard)?;
        asked.rounds = !self.has_forgotten;
        let mut all = vec![Vec::new(); missing.len()];
        for at in 0..shard.pixels.len() {
            if stop() {
                return Err(UnitError::Stopped);
            }
            let image = shard.pixels.image(at)?;
            let of_map = variant.map(|variant| stored.map(&attribution(&variant.key), shard.index, at));
            let map = of_map.transpose()?.unwrap_or_default();
            let logits = logits.get(at * classes..(at + 1) * classes).unwrap_or_default();
            let original = group.original(shard.pixels.first + at as u64);
            asked.about(original, at);
            let subject = Subject {
                image: &image,
                shape: group.shape,
                map: &map,
                logits,
                predicted: evaluation::predicted(logits),
                label: self.label(at),
                mask: self.mask(at),
                model: self.model,
                draw: Draw {
                    seed: group.numerics.seed,
                    dataset: (&group.dataset, &group.split),
                    image: original,
                    purpose: "",
                    draw: 0,
                },
            };
            for ((measurement, family), values) in missing.iter().zip(&mut all) {
                match family.measure(&measurement.parameters, &subject, &mut asked) {
                    Ok(measured) => values.extend(measured),
                    Err(MeasureError::Model(failed)) => return Err(asked.reason(failed)),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(all)
    }

    /// Mask of an image; `None` for an image without a mask.
    fn mask(&self, at: usize) -> Option<&[bool]> {
        let pixels = self.group.shape[1] * self.group.shape[2];
        self.shard.masks.as_ref()?.get(at * pixels..(at + 1) * pixels)
    }

    /// Label of an image; `None` for an image without a label.
    fn label(&self, at: usize) -> Option<usize> {
        let is_single = self.shard.labels.len() == self.shard.pixels.len();
        self.shard.labels.get(at).filter(|_| is_single).and_then(|label| usize::try_from(*label).ok())
    }
}

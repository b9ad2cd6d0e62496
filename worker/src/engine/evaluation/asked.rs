//! Model of the engine, as measurements ask it.

use attribution::{Origin, Pass, Together};
use evaluation::{Failed, Model};
use network::{Graph, sent};
use protocol::message::Failure;
use store::{Shards, attribution};
use sweep::group::{Dtype, Group};
use sweep::variant::Variant;
use tch::{Device, Kind, TchError, Tensor};

use crate::device::memory::Memory;
use crate::engine::arriving::floats;
use crate::engine::shard_run::least_rows;
use crate::libtorch::numerics::kind;
use crate::libtorch::panics::caught;
use crate::stages::reader::Shard;
use crate::unit_error::UnitError;

/// Model that is asked about one image after the other.
pub(super) struct Asked<'a> {
    /// Model; `None` where no measurement asks it.
    graph: Option<&'a Graph>,
    group: &'a Group,
    device: Device,
    /// Method whose maps are made anew.
    method: Option<Together<'a>>,
    /// Mean image of the dataset `[1, c, h, w]`, on the device.
    mean: Option<Tensor>,
    /// Index in its split of the image that is asked about.
    image: u64,
    /// Maps in the store, the shard that is measured, and the position there of the image that is asked about.
    stored: (Shards, u64, usize),
    rows: usize,
    /// Whether maps are rounded as the store rounds maps; those of a model that has forgotten may be too small for that.
    pub(super) rounds: bool,
    /// Reason for which the model could not answer.
    error: Option<UnitError>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(
        graph: Option<&'a Graph>,
        (group, device): (&'a Group, Device),
        variant: Option<&'a Variant>,
        shard: &Shard,
    ) -> Result<Self, UnitError> {
        let [c, h, w] = group.shape.map(|size| size as i64);
        let sent = |mean: &[f32]| {
            Tensor::f_from_slice(mean)?.f_view([1, c, h, w])?.f_to_kind(kind(group))?.f_to_device(device)
        };
        let mean = shard.mean.as_deref().filter(|_| graph.is_some()).map(sent).transpose()?;
        let method = Together::of(variant.filter(|_| graph.is_some()).into_iter())?.pop();
        let rows = least_rows(group, device).max(1) as usize;
        let stored = (Shards::open(group.store.clone(), String::new()), shard.index, 0);
        Ok(Self { graph, group, device, method, mean, image: 0, stored, rows, rounds: true, error: None })
    }

    /// Says that image `original` of the split is asked about from now on, which is image number `at` of the shard.
    pub(super) fn about(&mut self, original: u64, at: usize) {
        (self.image, self.stored.2) = (original, at);
    }

    /// Reason for which the model could not answer.
    pub(super) fn reason(&mut self, failed: Failed) -> UnitError {
        self.error.take().unwrap_or_else(|| TchError::Torch(failed.to_string()).into())
    }

    /// Answer to `points`. Where memory runs out, halves of the points are asked about; where the lowered graph was taken out of
    /// use, the same points again.
    fn answer(
        &mut self,
        points: &[f32],
        ask: &dyn Fn(&Self, &Graph, &Tensor) -> Result<Tensor, UnitError>,
    ) -> Result<Vec<f32>, Failed> {
        let Some(graph) = self.graph else { return Err(Failed) };
        let size: usize = self.group.shape.iter().product();
        let count = points.len() / size.max(1);
        let outcome = caught(|| self.tensor(points).and_then(|points| floats(&on_host(&ask(self, graph, &points)?)?)));
        match outcome.unwrap_or_else(|panic| Err(TchError::Torch(panic).into())) {
            Ok(answer) => Ok(answer),
            Err(error) if error.is_disproof() => self.answer(points, ask),
            Err(error) if error.class() == Failure::OutOfMemory && count > 1 => {
                let rows = count.div_ceil(2);
                tracing::warn!(points = count, error = error.text(), "half of the points are tried");
                self.rows = self.rows.min(rows);
                Memory::of(self.device).release();
                let (first, second) = points.split_at(rows * size);
                let mut answer = self.answer(first, ask)?;
                answer.extend(self.answer(second, ask)?);
                Ok(answer)
            }
            Err(error) => {
                self.error = Some(error);
                Err(Failed)
            }
        }
    }

    /// Points `[n, c, h, w]` on the device.
    fn tensor(&self, points: &[f32]) -> Result<Tensor, UnitError> {
        let [c, h, w] = self.group.shape.map(|size| size as i64);
        let points = Tensor::f_from_slice(points)?.f_view([-1, c, h, w])?;
        Ok(sent(&points, self.device)?.f_to_kind(kind(self.group))?)
    }

    /// Maps of `points` for `target`, rounded as the store rounds maps: compared is what is stored.
    fn explained(&self, graph: &Graph, points: &Tensor, target: usize) -> Result<Tensor, UnitError> {
        let Some(method) = &self.method else { return Err(TchError::Shape("no method is measured".into()).into()) };
        let count = points.size()[0];
        // The same random numbers for each copy as for the image: what differs is the copy alone.
        let images = vec![self.image; count as usize];
        let origin = Origin {
            seed: self.group.numerics.seed,
            dataset: (&self.group.dataset, &self.group.split),
            first: self.image,
            chosen: Some(&images),
            mean: self.mean.as_ref(),
            known: None,
        };
        let targets = Tensor::f_full([count], target as i64, (Kind::Int64, self.device))?;
        let pass = Pass::new(graph, points.shallow_clone(), targets, self.rows as i64, origin);
        let maps = method.attribute(&pass)?.pop().map(|attribution| attribution.map);
        let maps = maps.ok_or_else(|| TchError::Shape("a method made no map".into()))?;
        if self.rounds && self.group.numerics.dtype == Dtype::Float16 {
            Ok(maps.f_to_kind(Kind::Half)?)
        } else {
            Ok(maps)
        }
    }
}

impl Model for Asked<'_> {
    fn logits(&mut self, points: &[f32]) -> Result<Vec<f32>, Failed> {
        self.answer(points, &|_, graph, points| Ok(graph.forward(points)?))
    }

    fn maps(&mut self, points: &[f32], target: usize) -> Result<Vec<f32>, Failed> {
        self.answer(points, &|asked, graph, points| asked.explained(graph, points, target))
    }

    fn stored(&mut self, key: &str) -> Result<Vec<f32>, Failed> {
        let (shards, shard, at) = &mut self.stored;
        shards.map(&attribution(key), *shard, *at).map_err(|error| {
            self.error = Some(error.into());
            Failed
        })
    }

    fn rows(&self) -> usize {
        self.rows
    }
}

/// `answers` in single precision, in the host's memory and one after the other.
fn on_host(answers: &Tensor) -> Result<Tensor, TchError> {
    answers.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()
}

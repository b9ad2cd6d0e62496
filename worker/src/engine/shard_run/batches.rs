//! Batches of a round, one after the other: what is measured of each, and what is done where memory is full.

use std::time::Instant;

use protocol::message::Failure;
use sweep::memory::Point;
use tch::TchError;

use super::{ShardRun, least_rows};
use crate::device::memory::Memory;
use crate::engine::batch_sizes::BatchSize;
use crate::engine::delivery::Delivery;
use crate::libtorch::panics::caught;
use crate::stages::computed::Computed;
use crate::stages::images::Prefetch;
use crate::unit_error::UnitError;

impl ShardRun<'_> {
    /// Batch after batch. One that runs out of memory is done again: first without what the model has made of its weights for
    /// other variants, and without passes of baselines, which from then on goes before such a round begins, then in halves.
    pub(super) fn batches(
        &self,
        delivery: &mut Delivery<'_, '_>,
        size: &mut BatchSize,
        images: &mut Prefetch,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), UnitError> {
        let (n, mut start) = (self.pixels.len() as i64, 0);
        self.known.begin(!size.is_alone());
        if size.is_alone() {
            self.graph.forget();
        }
        while start < n {
            if stop() {
                return Err(UnitError::Stopped);
            }
            let here = delivery.even((size.batch() as i64).min(n - start), start);
            let outcome = caught(|| self.batch(delivery, size, images, (start, here)));
            match outcome.unwrap_or_else(|panic| Err(TchError::Torch(panic).into())) {
                Ok(()) => {
                    images.done(here);
                    start += here;
                }
                Err(error) if error.is_disproof() => tracing::error!(
                    keys = delivery.round.keys().join(", "),
                    batch = here,
                    error = error.text(),
                    "the same images are computed again, on the plain graph"
                ),
                Err(error) if error.class() == Failure::OutOfMemory => {
                    let (keys, error) = (delivery.round.keys().join(", "), error.text());
                    let freed = self.graph.forget() | self.known.begin(false);
                    if !size.is_alone() && freed {
                        size.be_alone();
                        tracing::info!(keys, batch = here, error, "what can be made again is given back");
                    } else if size.ran_out(here as usize, self.least_rows()) {
                        tracing::warn!(keys, batch = here, error, "half of it is tried");
                    } else {
                        return Err(UnitError::NoRoom(error));
                    }
                    Memory::of(self.traffic.device).release();
                    Memory::of(self.traffic.device).forget_peak();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Computes `here` images from `start` on. Maps of a part are given away before the maps of the next part are made.
    fn batch(
        &self,
        delivery: &mut Delivery<'_, '_>,
        size: &mut BatchSize,
        images: &mut Prefetch,
        (start, here): (i64, i64),
    ) -> Result<(), UnitError> {
        let memory = Memory::of(self.traffic.device);
        // A last batch that is smaller tells little.
        let measures = size.is_measured() && here as usize == size.batch();
        if measures {
            // What was asked for before is no part of its time.
            delivery.leaving.deliver_all()?;
        }
        delivery.leaving.begin_batch();
        let taken = images.next(here, |image| {
            if self.images_missing {
                delivery.leaving.give(Computed::Image(image));
            }
        });
        delivery.leaving.hold(images.staged());
        let images = taken?;
        let floor = if measures { memory.used() } else { 0 };
        if measures {
            memory.forget_peak();
        }
        let (started, waited, proving) = (Instant::now(), delivery.leaving.waited, self.graph.proving());
        let pass = self.pass(&images, (start, here), size.rows(self.least_rows()), delivery)?;
        for part in 0..delivery.round.parts.len() {
            delivery.part(part, &pass, (start, here), self.first)?;
            delivery.paths.insert(self.graph.path());
        }
        if measures {
            delivery.leaving.deliver_all()?;
            let others = delivery.leaving.waited.saturating_sub(waited) + self.graph.proving().saturating_sub(proving);
            let computing = started.elapsed().saturating_sub(others);
            let rate = here as f64 / computing.as_secs_f64();
            size.measured(Point { batch: here as usize, bytes: memory.peak(), rate }, floor, memory.limit());
        } else {
            size.done();
        }
        Ok(())
    }

    /// Number of rows that a method with several points an image computes at once, where memory allows so many rows.
    fn least_rows(&self) -> i64 {
        least_rows(self.group, self.traffic.device)
    }
}

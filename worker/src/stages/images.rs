//! Images as the model sees them, made of pixels when they are needed.
//!
//! Pixels of a shard take a quarter of the memory of its images. So images are made by a thread of its own, a few ahead of
//! the batch that is computed, and anew for every round of variants; noise is seeded by image, so they are the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

use data::{made, preprocess};
use sweep::group::{AHEAD, Group};
use tch::{Device, Kind, Tensor};

use crate::unit_error::UnitError;

/// Pixels of a shard.
pub(crate) struct Pixels {
    /// Pixels `[n, height, width, channels]`.
    values: preprocess::Pixels,
    /// Shape of an image, `[height, width, channels]`.
    shape: [usize; 3],
    group: Arc<Group>,
    /// Index of the first image in its split.
    pub(crate) first: u64,
    /// Nanoseconds for making images so far.
    took: AtomicU64,
}

impl Pixels {
    /// Pixels of images `[height, width, channels]` of `group`, from image `first` on.
    pub(crate) fn new(group: &Arc<Group>, first: u64, shape: [usize; 3], values: preprocess::Pixels) -> Self {
        Self { values, shape, group: Arc::clone(group), first, took: AtomicU64::new(0) }
    }

    /// Time for making images so far.
    pub(crate) fn took(&self) -> Duration {
        Duration::from_nanos(self.took.load(Relaxed))
    }

    /// Number of images.
    pub(crate) fn len(&self) -> usize {
        self.values.len() / self.shape.iter().product::<usize>().max(1)
    }

    /// Makes image `at` of the shard `[c, h, w]`, preprocessed, with noise.
    fn image(&self, at: usize) -> Result<Vec<f32>, UnitError> {
        let started = Instant::now();
        let image = made::images(&self.group, &self.values, at..at + 1, (self.shape, self.first));
        self.took.fetch_add(started.elapsed().as_nanos() as u64, Relaxed);
        image
    }

    /// Makes all images in order, in turn by this number of threads of `scope`, which end when nobody wants more images.
    pub(crate) fn prefetch<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, threads: usize) -> Prefetch {
        let image = (self.group.shape.iter().product::<usize>() * size_of::<f32>()).max(1);
        let made = (0..threads).map(|first| {
            // One more is in the hands of the thread.
            let (send, images) = sync_channel((AHEAD as usize / image).saturating_sub(1).min(self.len()));
            let own = (first..self.len()).step_by(threads);
            scope.spawn(move || own.map(|at| self.image(at)).all(|image| send.send(image).is_ok()));
            images
        });
        Prefetch { images: made.collect(), next: 0, shape: self.group.shape.map(|side| side as i64), held: None }
    }
}

/// Images of a shard on their way to the device.
pub(crate) struct Prefetch {
    /// Channel from each thread that makes images.
    images: Vec<Receiver<Result<Vec<f32>, UnitError>>>,
    /// Index of the next image.
    next: usize,
    shape: [i64; 3],
    /// Images that were taken and are not done: a batch that does not fit is tried again in halves.
    held: Option<Tensor>,
}

impl Prefetch {
    /// Takes the next `n` images `[n, c, h, w]`, in the host's memory. Each image is given to `seen` the first time that it is taken.
    pub(crate) fn next(&mut self, n: i64, mut seen: impl FnMut(Vec<f32>)) -> Result<Tensor, UnitError> {
        let have = self.held.as_ref().map_or(0, |held| held.size()[0]);
        if have < n {
            let [c, h, w] = self.shape;
            let batch = Tensor::f_empty([n, c, h, w], (Kind::Float, Device::Cpu))?;
            if let Some(held) = self.held.take() {
                batch.f_narrow(0, 0, have)?.f_copy_(&held)?;
            }
            for at in have..n {
                let image = self.images[self.next % self.images.len()].recv().map_err(|_| UnitError::Stopped)??;
                self.next += 1;
                batch.f_select(0, at)?.f_copy_(&Tensor::f_from_slice(&image)?.f_view([c, h, w])?)?;
                seen(image);
            }
            self.held = Some(batch);
        }
        let held = self.held.as_ref().ok_or(UnitError::Stopped)?;
        Ok(held.f_narrow(0, 0, n)?)
    }

    /// Notes that the first `n` images that were taken are done.
    pub(crate) fn done(&mut self, n: i64) -> Result<(), UnitError> {
        self.held = match self.held.take() {
            Some(held) if held.size()[0] > n => Some(held.f_narrow(0, n, held.size()[0] - n)?),
            _ => None,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sweep::group::Dtype;

    use super::*;
    use crate::device::tests::ALONE;
    use crate::example;

    #[test]
    fn images_come_in_order_however_many_threads_make_them() {
        let _alone = ALONE.lock();
        let group = Arc::new(example::group("none".as_ref(), Dtype::Float32));
        let pixels = Pixels::new(&group, 0, [2, 2, 1], preprocess::Pixels::Bytes((0..20).collect()));
        for threads in [1, 2, 3, 8] {
            let mut seen = Vec::new();
            std::thread::scope(|scope| {
                let mut prefetch = pixels.prefetch(scope, threads);
                for n in [2, 3] {
                    let _ = prefetch.next(n, |image| seen.push(image)).unwrap();
                    prefetch.done(n).unwrap();
                }
            });
            let expected: Vec<Vec<f32>> = (0..5).map(|at| pixels.image(at).unwrap()).collect();
            assert_eq!(seen, expected, "{threads} threads");
        }
    }
}
